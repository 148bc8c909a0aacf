# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# tilery::virtual_gpu, where there is Boost.Context. A part of the installed package, too: the machine that compiles a
# program is the one that needs Boost.
find_path(TILERY_BOOST_INCLUDE boost/context/detail/fcontext.hpp)
find_library(TILERY_BOOST_CONTEXT boost_context)
set(tilery_virtual_gpu_FOUND FALSE)  # a component of find_package
if(TILERY_BOOST_INCLUDE AND TILERY_BOOST_CONTEXT)
  set(tilery_virtual_gpu_FOUND TRUE)
endif()
if(tilery_virtual_gpu_FOUND AND NOT TARGET tilery_virtual_gpu)
  add_library(tilery_virtual_gpu INTERFACE)
  add_library(tilery::virtual_gpu ALIAS tilery_virtual_gpu)
  target_link_libraries(tilery_virtual_gpu INTERFACE tilery::tilery ${TILERY_BOOST_CONTEXT})
  target_compile_definitions(tilery_virtual_gpu INTERFACE TILERY_LINKS_BOOST_CONTEXT)
  target_include_directories(tilery_virtual_gpu SYSTEM INTERFACE ${TILERY_BOOST_INCLUDE})
endif()
