# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The compilers that the headers refuse (core/compiler.hpp), refused before anything is compiled. A part of the installed
# package, too.
set(tilery_wrong_compiler "")
if(MSVC)
  set(tilery_wrong_compiler "tilery: MSVC and clang-cl are not supported; use g++ 12, clang 14 or later ones on Linux, or in WSL 2 on Windows")
elseif((CMAKE_CXX_COMPILER_ID STREQUAL "GNU" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 12) OR
       (CMAKE_CXX_COMPILER_ID MATCHES "^Clang$" AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 14))
  set(tilery_wrong_compiler "tilery: ${CMAKE_CXX_COMPILER} is ${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}; use g++ 12, clang 14 or later ones")
endif()
