# SPDX-License-Identifier: Apache-2.0
# cmake --install: libraries, headers under include/ulpscope, the command, and a package for find_package(ulpscope).
include(CMakePackageConfigHelpers)
set(package_dir "${CMAKE_INSTALL_LIBDIR}/cmake/ulpscope")

install(TARGETS ulpscope_strict EXPORT ulpscope-targets)
set_target_properties(ulpscope_strict PROPERTIES EXPORT_NAME strict)
foreach(folder precision core reference gpu app)
  install(TARGETS ulpscope_${folder} EXPORT ulpscope-targets
    ARCHIVE DESTINATION "${CMAKE_INSTALL_LIBDIR}"
    FILE_SET HEADERS DESTINATION "${CMAKE_INSTALL_INCLUDEDIR}/ulpscope")
endforeach()
install(TARGETS ulpscope RUNTIME DESTINATION "${CMAKE_INSTALL_BINDIR}")

install(EXPORT ulpscope-targets NAMESPACE ulpscope:: DESTINATION "${package_dir}")
configure_package_config_file(cmake/ulpscope-config.cmake.in "${PROJECT_BINARY_DIR}/ulpscope-config.cmake"
  INSTALL_DESTINATION "${package_dir}")
write_basic_package_version_file("${PROJECT_BINARY_DIR}/ulpscope-config-version.cmake" COMPATIBILITY SameMinorVersion)
install(FILES "${PROJECT_BINARY_DIR}/ulpscope-config.cmake" "${PROJECT_BINARY_DIR}/ulpscope-config-version.cmake"
  cmake/UlpscopeDependencies.cmake DESTINATION "${package_dir}")
