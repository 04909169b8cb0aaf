# SPDX-License-Identifier: Apache-2.0
# ulpscope_hash_sources(TARGET FOLDER...): `ulpscope_sources.hpp`, included so by TARGET's own .cpp files: a hash of every
# C++ source below the folders, anew where one changes. What is kept on a disk for later says by which sources.
set(ULPSCOPE_SOURCES_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/sources.cmake")

function(ulpscope_hash_sources target)
  list(TRANSFORM ARGN PREPEND "${PROJECT_SOURCE_DIR}/" OUTPUT_VARIABLE folders)
  set(files "")
  foreach(folder IN LISTS folders)
    file(GLOB_RECURSE found CONFIGURE_DEPENDS "${folder}/*.cpp" "${folder}/*.hpp" "${folder}/*.inl")
    list(APPEND files ${found})
  endforeach()
  list(SORT files)
  set(generated "${PROJECT_BINARY_DIR}/generated/sources")
  list(JOIN files "\n" lines)
  file(CONFIGURE OUTPUT "${generated}/files" CONTENT "${lines}\n" @ONLY)
  add_custom_command(
    OUTPUT "${generated}/ulpscope_sources.hpp"
    COMMAND "${CMAKE_COMMAND}" -DROOT=${PROJECT_SOURCE_DIR} -DFOLDER=${generated} -P "${ULPSCOPE_SOURCES_SCRIPT}"
    DEPENDS ${files} "${generated}/files" "${ULPSCOPE_SOURCES_SCRIPT}"
    COMMENT "Hashing sources" VERBATIM)
  target_sources(${target} PRIVATE "${generated}/ulpscope_sources.hpp")
  target_include_directories(${target} PRIVATE "${generated}")
endfunction()
