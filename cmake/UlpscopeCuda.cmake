# SPDX-License-Identifier: Apache-2.0
# Backend cuda: ULPSCOPE_CUDA = AUTO (where nvcc is found), ON (or stop), OFF. Sets ULPSCOPE_HAVE_CUDA.
# ulpscope_add_cuda(TARGET SOURCE...): compile .cu files into TARGET.
set(ULPSCOPE_CUDA AUTO CACHE STRING "Build backend cuda: AUTO, ON or OFF")
set_property(CACHE ULPSCOPE_CUDA PROPERTY STRINGS AUTO ON OFF)
# One translation to PTX for compute capability 8.0, from it machine code for each of these; the PTX itself for the rest.
set(ULPSCOPE_CUDA_CODE "compute_80,sm_80,sm_90,sm_100" CACHE STRING "What nvcc generates from PTX of compute_80")
set(ULPSCOPE_HAVE_CUDA OFF)

if(ULPSCOPE_CUDA)
  set(CMAKE_CUDA_FLAGS_RELEASE "-O2" CACHE STRING "As for C++: asserts stay on")
  set(CMAKE_CUDA_ARCHITECTURES OFF)  # before enable_language: ULPSCOPE_CUDA_CODE says it
  if(CCACHE AND NOT CMAKE_CUDA_COMPILER_LAUNCHER)
    set(CMAKE_CUDA_COMPILER_LAUNCHER "${CCACHE}")
  endif()
  if(NOT CMAKE_CUDA_COMPILER)
    find_program(ULPSCOPE_NVCC nvcc PATHS /usr/local/cuda/bin)
    if(ULPSCOPE_NVCC)
      set(CMAKE_CUDA_COMPILER "${ULPSCOPE_NVCC}")
    endif()
  endif()
  include(CheckLanguage)
  check_language(CUDA)
  if(CMAKE_CUDA_COMPILER)
    enable_language(CUDA)
    find_package(CUDAToolkit 12.8)  # the first with compute capability 10.0
  endif()
  if(TARGET CUDA::cudart_static)
    set(ULPSCOPE_HAVE_CUDA ON)
  elseif(NOT ULPSCOPE_CUDA STREQUAL "AUTO")
    message(FATAL_ERROR "ULPSCOPE_CUDA is ${ULPSCOPE_CUDA}, but no nvcc (12.8 or newer) with a static runtime was found")
  endif()
endif()

# Bits as on the host: no contraction, IEEE division and square roots, no flushing (nvcc's defaults but for the first).
function(ulpscope_add_cuda target)
  set(objects ${target}_cuda)
  add_library(${objects} OBJECT ${ARGN})
  set_target_properties(${objects} PROPERTIES CUDA_STANDARD_REQUIRED OFF)  # cmake 3.25 does not know CUDA C++20
  target_compile_definitions(${objects} PRIVATE ULPSCOPE_LEVEL=cuda ULPSCOPE_HAVE_CUDA)
  target_include_directories(${objects} PRIVATE "${PROJECT_SOURCE_DIR}")
  target_compile_options(${objects} PRIVATE
    -std=c++20 -fmad=false -prec-div=true -prec-sqrt=true -ftz=false --expt-relaxed-constexpr
    --generate-code=arch=compute_80,code=[${ULPSCOPE_CUDA_CODE}]
    "SHELL:-Werror all-warnings" -Xcompiler=-Wall,-Wextra,-Werror,-ffp-contract=off,-fno-fast-math,-fPIC)
  target_sources(${target} PRIVATE $<TARGET_OBJECTS:${objects}>)
  target_link_libraries(${target} PRIVATE CUDA::cudart_static)
endfunction()
