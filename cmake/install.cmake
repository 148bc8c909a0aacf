# SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
# Installs the headers and a package for find_package(tilery); the build tree can be used as a package, too.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/tilery)
set(exported tilery tilery_native)  # tilery::virtual_gpu is made where Boost is: cmake/virtual-gpu.cmake

install(TARGETS ${exported} EXPORT tilery-targets FILE_SET HEADERS)
install(EXPORT tilery-targets NAMESPACE tilery:: DESTINATION ${package_dir})
export(EXPORT tilery-targets NAMESPACE tilery:: FILE ${PROJECT_BINARY_DIR}/tilery-targets.cmake)

configure_package_config_file(${PROJECT_SOURCE_DIR}/cmake/tilery-config.cmake.in ${PROJECT_BINARY_DIR}/tilery-config.cmake
  INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(${PROJECT_BINARY_DIR}/tilery-config-version.cmake COMPATIBILITY SameMinorVersion ARCH_INDEPENDENT)
set(package_parts ${PROJECT_SOURCE_DIR}/cmake/compilers.cmake ${PROJECT_SOURCE_DIR}/cmake/cuda-headers.cmake
  ${PROJECT_SOURCE_DIR}/cmake/virtual-gpu.cmake ${PROJECT_SOURCE_DIR}/cmake/setup/cuda_headers.txt)
file(COPY ${package_parts} DESTINATION ${PROJECT_BINARY_DIR})
install(FILES ${PROJECT_BINARY_DIR}/tilery-config.cmake ${PROJECT_BINARY_DIR}/tilery-config-version.cmake ${package_parts}
  DESTINATION ${package_dir})
