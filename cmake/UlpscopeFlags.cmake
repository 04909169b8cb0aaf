# SPDX-License-Identifier: Apache-2.0
# How everything here is compiled: `ulpscope_flags` for our own sources, `ulpscope_strict` for whoever includes our headers.
if(NOT CMAKE_BUILD_TYPE AND NOT CMAKE_CONFIGURATION_TYPES)
  set(CMAKE_BUILD_TYPE Release CACHE STRING "Debug or Release" FORCE)
endif()
set(CMAKE_CXX_STANDARD 20)
set(CMAKE_CXX_STANDARD_REQUIRED ON)
set(CMAKE_CXX_EXTENSIONS ON)  # gnu++20: numeric_limits<__float128> needs it
set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
set(CMAKE_POSITION_INDEPENDENT_CODE ON)

find_program(CCACHE ccache)
if(CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  set(CMAKE_CXX_COMPILER_LAUNCHER "${CCACHE}")
  if(NOT DEFINED ENV{CCACHE_BASEDIR})  # scripts/build says it; a wheel's build then finds what other trees and clones compiled
    list(PREPEND CMAKE_CXX_COMPILER_LAUNCHER
      "${CMAKE_COMMAND}" -E env "CCACHE_BASEDIR=${PROJECT_SOURCE_DIR}" CCACHE_NOHASHDIR=true)
  endif()
endif()

# Results must not depend on what the compiler fuses: no contraction, no fast math, whoever instantiates our templates.
add_library(ulpscope_strict INTERFACE)
add_library(ulpscope::strict ALIAS ulpscope_strict)
target_compile_features(ulpscope_strict INTERFACE cxx_std_20)
# g++ 12's SLP vectoriser fuses a rotation's two products into vfmaddsub although contraction is off: other bits per level.
target_compile_options(ulpscope_strict INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-ffp-contract=off;-fno-fast-math;-Wno-psabi>  # psabi: packs wider than the baseline's registers
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-fno-tree-slp-vectorize>)

add_library(ulpscope_flags INTERFACE)
target_link_libraries(ulpscope_flags INTERFACE ulpscope_strict)
target_compile_options(ulpscope_flags INTERFACE
  $<$<COMPILE_LANGUAGE:CXX>:-Wall;-Wextra;-Wconversion;-Wshadow;-Werror>
  $<$<COMPILE_LANG_AND_ID:CXX,GNU>:-Wno-restrict>)  # g++ 12 sees overlaps in std::string that are not there (PR 105651)
if(ULPSCOPE_XTENSOR_ASSERT)  # a rank mismatch compiles and smashes the stack unless this is on
  target_compile_definitions(ulpscope_flags INTERFACE XTENSOR_ENABLE_ASSERT)
endif()
