# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# What a consumer links:
#   tilery::tilery       the headers; needs the CUDA headers (cuda_fp16.h and its siblings), not a GPU and not nvcc
#   tilery::native       adds the flags of the machine that compiles: fast on the CPU, runs only on CPUs like it
#   tilery::virtual_gpu  adds Boost.Context: the virtual GPU

include(${CMAKE_CURRENT_LIST_DIR}/compilers.cmake)
if(tilery_wrong_compiler)
  message(FATAL_ERROR "${tilery_wrong_compiler}")
endif()

# nvcc, where wanted and found.
set(tilery_has_nvcc OFF)
set(tilery_no_gpu OFF)
if(PROJECT_IS_TOP_LEVEL AND NOT TILERY_CUDA STREQUAL "OFF")
  if(NOT DEFINED CMAKE_CUDA_ARCHITECTURES)
    # Code for the GPU of this machine; where there is none, PTX for the lowest arch with tensor cores.
    execute_process(COMMAND nvidia-smi -L OUTPUT_QUIET ERROR_QUIET RESULT_VARIABLE no_gpu)
    if(no_gpu)
      set(CMAKE_CUDA_ARCHITECTURES 80-virtual)
      set(tilery_no_gpu ON)
    else()
      set(CMAKE_CUDA_ARCHITECTURES native)
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    set(tilery_has_nvcc ON)
  elseif(TILERY_CUDA STREQUAL "ON")
    message(FATAL_ERROR "TILERY_CUDA is ON, but no nvcc was found; set CMAKE_CUDA_COMPILER or CUDACXX to it")
  endif()
endif()

# To install the headers nothing is needed; to compile anything with them, CUDA's.
include(${CMAKE_CURRENT_LIST_DIR}/cuda-headers.cmake)
if(tilery_no_cuda_headers)
  if(NOT PROJECT_IS_TOP_LEVEL OR TILERY_TESTS OR TILERY_EXAMPLES OR TILERY_BENCHMARKS)
    message(FATAL_ERROR "${tilery_no_cuda_headers}")
  endif()
  message(STATUS "${tilery_no_cuda_headers}. The headers of tilery can be installed without them.")
endif()

add_library(tilery INTERFACE)
add_library(tilery::tilery ALIAS tilery)
target_compile_features(tilery INTERFACE cxx_std_20)
# With TILERY_LINKS_BOOST_CONTEXT, which tilery::virtual_gpu adds, virtual_gpu.hpp says at once what the linker would say
# at the end.
target_compile_definitions(tilery INTERFACE TILERY_IS_LINKED)
find_package(Threads REQUIRED)
target_link_libraries(tilery INTERFACE Threads::Threads)
# g++ tells that vectors are passed otherwise than by g++ 4.6: nothing that a program of today can mix.
target_compile_options(tilery INTERFACE $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-psabi>)
# CMake 3.25 does not know that nvcc has C++20.
target_compile_options(tilery INTERFACE $<$<COMPILE_LANGUAGE:CUDA>:-std=c++20>)
file(GLOB_RECURSE tilery_headers CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/include/tilery/*.hpp ${PROJECT_SOURCE_DIR}/include/tilery/*.inc)
target_sources(tilery INTERFACE FILE_SET HEADERS BASE_DIRS ${PROJECT_SOURCE_DIR}/include FILES ${tilery_headers})
if(TILERY_CUDA_INCLUDE)
  target_include_directories(tilery SYSTEM INTERFACE $<BUILD_INTERFACE:${TILERY_CUDA_INCLUDE}>)
endif()

add_library(tilery_native INTERFACE)
add_library(tilery::native ALIAS tilery_native)
set_target_properties(tilery_native PROPERTIES EXPORT_NAME native)
target_link_libraries(tilery_native INTERFACE tilery)
target_compile_options(tilery_native INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-march=native> $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-march=native>)

include(${CMAKE_CURRENT_LIST_DIR}/virtual-gpu.cmake)
