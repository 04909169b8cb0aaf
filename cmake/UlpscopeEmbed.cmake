# SPDX-License-Identifier: Apache-2.0
# ulpscope_embed_files(TARGET NAME FILE...): carry text files inside a library.
#
# Generates `embedded/NAME.hpp` (included so by TARGET's own .cpp files) with
#   namespace ulpscope::embedded { std::span<const File> NAME(); }
# where File is {std::string_view name, text} and name is the file's name without its last extension: recipes/hf.json -> "hf".
# Files are listed in the order of their names.
set(ULPSCOPE_EMBED_SCRIPT "${CMAKE_CURRENT_LIST_DIR}/embed.cmake")

function(ulpscope_embed_files target name)
  list(TRANSFORM ARGN PREPEND "${CMAKE_CURRENT_SOURCE_DIR}/" REGEX "^[^/]" OUTPUT_VARIABLE files)
  list(SORT files)
  set(folder "${PROJECT_BINARY_DIR}/generated/embedded")
  list(JOIN files "\n" lines)
  file(CONFIGURE OUTPUT "${folder}/${name}.files" CONTENT "${lines}\n" @ONLY)  # a removed file rebuilds too
  add_custom_command(
    OUTPUT "${folder}/${name}.cpp" "${folder}/${name}.hpp"
    COMMAND "${CMAKE_COMMAND}" -DNAME=${name} -DFOLDER=${folder} -P "${ULPSCOPE_EMBED_SCRIPT}"
    DEPENDS ${files} "${folder}/${name}.files" "${ULPSCOPE_EMBED_SCRIPT}"
    COMMENT "Embedding ${name}" VERBATIM)
  target_sources(${target} PRIVATE "${folder}/${name}.cpp" "${folder}/${name}.hpp")
  target_include_directories(${target} PRIVATE "${PROJECT_BINARY_DIR}/generated")
endfunction()
