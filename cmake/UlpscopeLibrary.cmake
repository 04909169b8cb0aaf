# SPDX-License-Identifier: Apache-2.0
# ulpscope_add_library(FOLDER [PUBLIC lib...] [PRIVATE lib...]): the library of one folder, from every .cpp below it.
#
# A source named *.levels.cpp is compiled once per x86-64 level with ULPSCOPE_LEVEL=v2|v3|v4 (elsewhere once, with `base`):
# what it defines must live in `inline namespace ULPSCOPE_LEVEL`, so that no inline function is shared between levels.
# Where the three exist, ULPSCOPE_X86_LEVELS is defined for the library's other sources, so that one of them can choose.
if(CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64|amd64)$")
  set(ULPSCOPE_LEVEL_NAMES v2 v3 v4)
else()
  set(ULPSCOPE_LEVEL_NAMES base)
endif()
# The kernels are most of a build's time. Sanitizers find the same in any level.
set(ULPSCOPE_KERNEL_LEVELS ${ULPSCOPE_LEVEL_NAMES} CACHE STRING "Levels of the compressor's kernels, lowest first")
set(each "")
foreach(level IN LISTS ULPSCOPE_KERNEL_LEVELS)
  string(APPEND each " apply(${level})")
endforeach()
file(CONFIGURE OUTPUT "${PROJECT_BINARY_DIR}/generated/kernel_levels.hpp"
  CONTENT "#pragma once\n#define ULPSCOPE_EACH_KERNEL_LEVEL(apply)${each}\n" @ONLY)

function(ulpscope_add_levels target)
  foreach(level IN LISTS ULPSCOPE_LEVEL_NAMES)
    set(sources ${ARGN})
    if(NOT level IN_LIST ULPSCOPE_KERNEL_LEVELS)
      list(FILTER sources EXCLUDE REGEX "/kernels/")
    endif()
    add_library(${target}_${level} OBJECT ${sources})
    target_compile_definitions(${target}_${level} PRIVATE ULPSCOPE_LEVEL=${level})
    if(NOT level STREQUAL "base")
      target_compile_options(${target}_${level} PRIVATE -march=x86-64-${level})
    endif()
    # g++ 12's partial redundancy elimination moves the halves of a splat pack before the value they repeat, and crashes.
    target_compile_options(${target}_${level} PRIVATE $<$<CXX_COMPILER_ID:GNU>:-fno-tree-pre>)
    target_include_directories(${target}_${level} PRIVATE
      "${PROJECT_SOURCE_DIR}" $<TARGET_PROPERTY:${target},INTERFACE_INCLUDE_DIRECTORIES>)
    target_link_libraries(${target}_${level} PRIVATE ulpscope_flags)
    target_sources(${target} PRIVATE $<TARGET_OBJECTS:${target}_${level}>)
    set_property(GLOBAL APPEND PROPERTY ULPSCOPE_LEVEL_OBJECTS ${level} $<TARGET_OBJECTS:${target}_${level}>)
  endforeach()
endfunction()

function(ulpscope_add_library folder)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "PUBLIC;PRIVATE")
  set(target ulpscope_${folder})
  file(GLOB_RECURSE sources CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.cpp")
  file(GLOB_RECURSE headers CONFIGURE_DEPENDS "${CMAKE_CURRENT_SOURCE_DIR}/*.hpp")
  set(levels ${sources})
  list(FILTER sources EXCLUDE REGEX "\\.levels\\.cpp$")
  list(FILTER levels INCLUDE REGEX "\\.levels\\.cpp$")

  add_library(${target} STATIC)
  add_library(ulpscope::${folder} ALIAS ${target})
  target_sources(${target}
    PRIVATE ${sources}
    PUBLIC FILE_SET HEADERS BASE_DIRS "${PROJECT_SOURCE_DIR}" FILES ${headers})
  target_link_libraries(${target}
    PUBLIC ulpscope_strict ${arg_PUBLIC}
    PRIVATE $<BUILD_INTERFACE:ulpscope_flags> ${arg_PRIVATE})
  if(levels)
    ulpscope_add_levels(${target} ${levels})
  endif()
  if("v2" IN_LIST ULPSCOPE_LEVEL_NAMES)
    target_compile_definitions(${target} PRIVATE ULPSCOPE_X86_LEVELS)
  endif()
  set_target_properties(${target} PROPERTIES
    EXPORT_NAME ${folder} LINKER_LANGUAGE CXX VERIFY_INTERFACE_HEADER_SETS ON)
endfunction()
