# SPDX-License-Identifier: Apache-2.0
# `ulpscope_version.hpp`: which sources and which compiler made this program. Link `ulpscope_version` where a .cpp includes it.
set(ULPSCOPE_COMMIT "unknown")
find_package(Git QUIET)
if(Git_FOUND)
  execute_process(COMMAND "${GIT_EXECUTABLE}" rev-parse --short=12 HEAD
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE commit RESULT_VARIABLE status
    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET)
  if(status EQUAL 0)
    set(ULPSCOPE_COMMIT "${commit}")
  endif()
  execute_process(COMMAND "${GIT_EXECUTABLE}" rev-parse --path-format=absolute --git-path logs/HEAD
    WORKING_DIRECTORY "${PROJECT_SOURCE_DIR}" OUTPUT_VARIABLE head_log ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  if(head_log AND EXISTS "${head_log}")  # a new commit configures anew, so the name is never stale
    set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${head_log}")
  endif()
endif()
string(TOUPPER "${CMAKE_BUILD_TYPE}" build_type)
string(STRIP "${CMAKE_CXX_FLAGS} ${CMAKE_CXX_FLAGS_${build_type}} -ffp-contract=off" ULPSCOPE_CXX_FLAGS)

set(ULPSCOPE_GENERATED_DIR "${PROJECT_BINARY_DIR}/generated")
configure_file("${CMAKE_CURRENT_LIST_DIR}/version.hpp.in" "${ULPSCOPE_GENERATED_DIR}/ulpscope_version.hpp" @ONLY)
add_library(ulpscope_version INTERFACE)
target_include_directories(ulpscope_version INTERFACE "${ULPSCOPE_GENERATED_DIR}")
