# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Finds the CUDA headers, which g++ and clang++ compile as well: in this repository's build and, as a part of the
# installed package, in a consumer's. Leaves their folder in TILERY_CUDA_INCLUDE; where they are not found, or too old,
# tilery_no_cuda_headers is the sentence that says what to do.
#
# In this order: TILERY_CUDA_INCLUDE as the user has set it; the toolkit of this build's nvcc, of CUDA_HOME, CUDA_PATH or
# CUDAToolkit_ROOT; the wheels in the active virtual environment of Python; the toolkit of the nvcc on PATH; the usual
# folders; what the scripts of this repository have fetched.
set(tilery_cuda_at_least 12040)  # as CUDART_VERSION writes 12.4
set(tilery_cuda_places "")
foreach(place ${CMAKE_CUDA_TOOLKIT_INCLUDE_DIRECTORIES} ${CUDAToolkit_ROOT} $ENV{CUDA_HOME} $ENV{CUDA_PATH} $ENV{CUDAToolkit_ROOT})
  list(APPEND tilery_cuda_places ${place} ${place}/include)
endforeach()
if(DEFINED ENV{VIRTUAL_ENV})
  file(GLOB tilery_wheels "$ENV{VIRTUAL_ENV}/lib/python3*/site-packages/nvidia/cu*/include")
  list(APPEND tilery_cuda_places ${tilery_wheels})
endif()
find_program(TILERY_NVCC_ON_PATH nvcc)
mark_as_advanced(TILERY_NVCC_ON_PATH)
if(TILERY_NVCC_ON_PATH)
  file(REAL_PATH ${TILERY_NVCC_ON_PATH} tilery_nvcc)
  cmake_path(GET tilery_nvcc PARENT_PATH tilery_nvcc)
  cmake_path(GET tilery_nvcc PARENT_PATH tilery_nvcc)
  list(APPEND tilery_cuda_places ${tilery_nvcc}/include ${tilery_nvcc}/targets/x86_64-linux/include)
endif()
if(NOT DEFINED TILERY_CUDA_SEARCH)
  set(TILERY_CUDA_SEARCH /usr/local/cuda /usr/lib/cuda /opt/cuda ${CMAKE_CURRENT_LIST_DIR}/../build/cuda-toolkit)
endif()
foreach(place ${TILERY_CUDA_SEARCH})
  list(APPEND tilery_cuda_places ${place}/include ${place}/targets/x86_64-linux/include ${place}/targets/sbsa-linux/include)
endforeach()

# Each folder is asked in turn, so that one that is too old is passed over.
set(tilery_old_cuda "")
foreach(place ${TILERY_CUDA_INCLUDE} ${tilery_cuda_places})
  if(NOT EXISTS ${place}/cuda_fp8.h OR NOT EXISTS ${place}/cuda_runtime_api.h)
    continue()
  endif()
  file(STRINGS ${place}/cuda_runtime_api.h tilery_version REGEX "^#define CUDART_VERSION +[0-9]+" LIMIT_COUNT 1)
  string(REGEX REPLACE "[^0-9]" "" tilery_version "${tilery_version}")
  if(tilery_version LESS tilery_cuda_at_least)
    list(APPEND tilery_old_cuda ${place})
    continue()
  endif()
  set(TILERY_CUDA_INCLUDE ${place} CACHE PATH "The folder of the CUDA toolkit's headers" FORCE)
  set(tilery_cuda_found ${place})
  break()
endforeach()

set(tilery_no_cuda_headers "")
if(NOT tilery_cuda_found)
  set(tilery_wheels ${CMAKE_CURRENT_LIST_DIR}/cuda_headers.txt)  # beside the installed package
  if(NOT EXISTS ${tilery_wheels})
    set(tilery_wheels ${CMAKE_CURRENT_LIST_DIR}/setup/cuda_headers.txt)
  endif()
  set(tilery_no_cuda_headers "tilery needs the CUDA headers of 12.4 or later (cuda_fp8.h), and found none")
  if(tilery_old_cuda)
    string(APPEND tilery_no_cuda_headers " (${tilery_old_cuda} is older)")
  endif()
  string(APPEND tilery_no_cuda_headers ": install a CUDA toolkit and set CUDA_HOME to its folder, or, for the headers alone, python3 -m venv cuda && cuda/bin/pip install -r ${tilery_wheels} && . cuda/bin/activate")
endif()
unset(tilery_cuda_found)
