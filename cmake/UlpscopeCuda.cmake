# SPDX-License-Identifier: Apache-2.0
# Backend cuda: ULPSCOPE_CUDA = AUTO (where nvcc is found), ON (or stop), OFF. Sets ULPSCOPE_HAVE_CUDA.
# ulpscope_add_cuda(TARGET SOURCE...): compile .cu files into TARGET.
set(ULPSCOPE_CUDA AUTO CACHE STRING "Build backend cuda: AUTO, ON or OFF")
set_property(CACHE ULPSCOPE_CUDA PROPERTY STRINGS AUTO ON OFF)
set(ULPSCOPE_HAVE_CUDA OFF)

# One translation to PTX for compute capability 8.0, which a driver compiles when it first runs, and from it machine code,
# five times as long to make: by default for the devices of this machine. Preset gpu-bundle names those of others.
function(ulpscope_find_cuda_code)
  execute_process(COMMAND "${CMAKE_CUDA_COMPILER}" --list-gpu-code OUTPUT_VARIABLE known)
  execute_process(COMMAND nvidia-smi --query-gpu=compute_cap --format=csv,noheader
    OUTPUT_VARIABLE devices RESULT_VARIABLE failed ERROR_QUIET OUTPUT_STRIP_TRAILING_WHITESPACE)
  set(code compute_80)
  if(NOT failed)
    string(REGEX MATCHALL "[0-9]+\\.[0-9]" devices "${devices}")
    list(REMOVE_DUPLICATES devices)
    foreach(device IN LISTS devices)
      string(REPLACE "." "" number "${device}")
      if(device VERSION_GREATER_EQUAL 8.0 AND known MATCHES "sm_${number}\n")
        string(APPEND code ",sm_${number}")
      endif()
    endforeach()
  endif()
  set(ULPSCOPE_CUDA_CODE "${code}" CACHE STRING "What nvcc generates from PTX of compute_80: compute_80,sm_80,sm_90,...")
endfunction()

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
    ulpscope_find_cuda_code()
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
