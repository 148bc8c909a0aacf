# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# How the programs of this repository are built: warnings, sanitizers, where binaries go, and .cu files without nvcc.
set(CMAKE_RUNTIME_OUTPUT_DIRECTORY ${PROJECT_BINARY_DIR}/bin)
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)

add_library(tilery_program INTERFACE)
# Programs that are carried to a GPU's machine must not depend on the CPU that built them.
if(TILERY_GPU_ONLY)
  target_link_libraries(tilery_program INTERFACE tilery::tilery)
else()
  target_link_libraries(tilery_program INTERFACE tilery::native)
endif()
target_compile_options(tilery_program INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall -Wextra -Wno-unknown-pragmas>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>
  $<$<COMPILE_LANGUAGE:CUDA>:-Xcompiler=-Wall,-Wextra,-Wno-unknown-pragmas,-Wno-restrict,-Wno-psabi>)

# Where the tests find no GPU, no kernel is run that nvcc has made: that it compiles is what counts, and optimising it
# takes longer than all the rest. tests/compile looks at optimised kernels.
if(tilery_has_nvcc AND tilery_no_gpu AND TILERY_TESTS)
  include(CheckCompilerFlag)
  check_compiler_flag(CUDA -Ofc=max TILERY_NVCC_COMPILES_FAST)
  if(TILERY_NVCC_COMPILES_FAST)
    string(APPEND CMAKE_CUDA_FLAGS " -Ofc=max")
  endif()
endif()

if(TILERY_SANITIZE)
  target_compile_options(tilery_program INTERFACE -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer -g)
  target_link_options(tilery_program INTERFACE -fsanitize=address,undefined)
endif()

# A program of one .cu file: nvcc's, or C++ where there is no nvcc (the cuda executor is absent then).
function(tilery_program name source)
  if(NOT tilery_has_nvcc)
    set_source_files_properties(${source} PROPERTIES LANGUAGE CXX COMPILE_OPTIONS "-xc++")
  endif()
  add_executable(${name} ${source})
  target_link_libraries(${name} PRIVATE tilery_program ${ARGN})
endfunction()

# tilery_example(NAME SOURCE LIBRARY...): a program as tilery_program's. Where the tests find no GPU, nvcc compiles the
# kernels, to PTX, and the host's side is compiled as C++, without the cuda executor: no GPU would run it, and nvcc's pass
# over the host's side takes half of the time.
function(tilery_example name source)
  if(NOT tilery_has_nvcc OR NOT tilery_no_gpu OR NOT TILERY_TESTS)
    tilery_program(${name} ${source} ${ARGN})
    return()
  endif()
  add_library(${name}_ptx OBJECT ${source})
  set_target_properties(${name}_ptx PROPERTIES CUDA_PTX_COMPILATION ON)
  target_link_libraries(${name}_ptx PRIVATE tilery_program ${ARGN})
  set(host ${CMAKE_CURRENT_BINARY_DIR}/${name}_host.cpp)
  file(CONFIGURE OUTPUT ${host} CONTENT "#include \"${CMAKE_CURRENT_SOURCE_DIR}/${source}\"\n" @ONLY)
  add_executable(${name} ${host})
  target_link_libraries(${name} PRIVATE tilery_program ${ARGN})
endfunction()
