# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# The family of each test and of each target, for the table of times that ends tests/run.sh: build/…/families.txt, with a
# line "NAME<tab>FAMILY" for each. A suite's family is its unit's; the others' is their folder's.

# set_family(FAMILY NAME...): of tests and targets of this folder.
function(set_family family)
  foreach(name ${ARGN})
    set_property(DIRECTORY PROPERTY family_of_${name} ${family})
  endforeach()
endfunction()

# Appends the lines of a folder, and of the folders below, to the file. A folder's property `family` is that of all that
# has no family of its own.
function(list_families folder default file)
  get_property(family DIRECTORY ${folder} PROPERTY family)
  if(family)
    set(default ${family})
  endif()
  get_property(targets DIRECTORY ${folder} PROPERTY BUILDSYSTEM_TARGETS)
  get_property(tests DIRECTORY ${folder} PROPERTY TESTS)
  foreach(name ${targets} ${tests})
    get_property(family DIRECTORY ${folder} PROPERTY family_of_${name})
    if(NOT family)
      set(family ${default})
    endif()
    list(FIND tilery_families ${family} index)
    if(index EQUAL -1)
      message(FATAL_ERROR "the family of ${name} is ${family}; it must be one of tests/families.cmake")
    endif()
    math(EXPR index "${index} + 1")
    list(GET tilery_families ${index} words)
    file(APPEND ${file} "${name}\t${words}\n")
  endforeach()
  get_property(below DIRECTORY ${folder} PROPERTY SUBDIRECTORIES)
  foreach(subfolder ${below})
    list_families(${subfolder} ${default} ${file})
  endforeach()
endfunction()

# Once all folders are known.
function(write_families)
  set(tilery_families
    core "core"
    virtual "virtual GPU"
    gemm "gemm"
    conv "convolution"
    rows "rows (softmax, loss)"
    elementwise "elementwise"
    optimizer "optimizers"
    pixels "pooling, upsampling, padding"
    checks "headers, sources, compile checks"
    examples "examples")
  set(file ${PROJECT_BINARY_DIR}/families.txt)
  file(WRITE ${file} "")
  list_families(${PROJECT_SOURCE_DIR}/tests checks ${file})
  if(TILERY_EXAMPLES)
    list_families(${PROJECT_SOURCE_DIR}/examples examples ${file})
  endif()
endfunction()
if(NOT TILERY_GPU_ONLY)
  cmake_language(DEFER DIRECTORY ${PROJECT_SOURCE_DIR} CALL write_families)
endif()
