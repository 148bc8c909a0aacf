# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs the headers and a package for find_package(tilery); the build tree can be used as a package, too.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tilery)
set(exported tilery tilery_native)
foreach(optional_target tilery_virtual_gpu)
  if(TARGET ${optional_target})
    list(APPEND exported ${optional_target})
  endif()
endforeach()

install(TARGETS ${exported} EXPORT tilery-targets FILE_SET HEADERS)
install(EXPORT tilery-targets NAMESPACE tilery:: DESTINATION ${package_dir})
export(EXPORT tilery-targets NAMESPACE tilery:: FILE ${PROJECT_BINARY_DIR}/tilery-targets.cmake)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tilery-config.cmake.in ${PROJECT_BINARY_DIR}/tilery-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tilery-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/tilery-config.cmake ${PROJECT_BINARY_DIR}/tilery-config-version.cmake DESTINATION ${package_dir})
