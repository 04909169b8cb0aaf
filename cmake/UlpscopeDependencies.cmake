# SPDX-License-Identifier: Apache-2.0
# The libraries underneath: one list, read by this build and by the installed package.
find_package(Threads REQUIRED)
find_package(Boost 1.74 CONFIG REQUIRED)
find_package(PkgConfig REQUIRED)
pkg_check_modules(MPFR REQUIRED QUIET IMPORTED_TARGET mpfr)
pkg_check_modules(GMP REQUIRED QUIET IMPORTED_TARGET gmp)
find_library(MPFI_LIBRARY mpfi REQUIRED)
if(NOT TARGET ulpscope::mpfi)  # MPFI ships neither a .pc nor a CMake package
  add_library(ulpscope::mpfi INTERFACE IMPORTED)
  target_link_libraries(ulpscope::mpfi INTERFACE "${MPFI_LIBRARY}" PkgConfig::MPFR PkgConfig::GMP)
endif()
if(NOT BLA_VENDOR)
  set(BLA_VENDOR OpenBLAS)
endif()
find_package(BLAS REQUIRED)
find_package(xtensor REQUIRED)
find_package(xtensor-blas REQUIRED)
find_package(nlohmann_json 3.10 REQUIRED)
find_package(fmt REQUIRED)
find_package(ZLIB QUIET)  # compressed .npz files; without it they are refused
