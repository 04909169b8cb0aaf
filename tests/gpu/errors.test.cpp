// SPDX-License-Identifier: Apache-2.0
// CUDA's errors become sentences, each of the kind that decides the exit code.
#include "gpu/errors.hpp"

#include "core/io/error.hpp"
#include "gpu/error_codes.hpp"
#include "tests/support/catch.hpp"

using namespace ulpscope;
using namespace ulpscope::gpu;

namespace {

template <class Error>
std::string sentence(int code, std::string_view name) {
  try {
    raise({code, name, "words of CUDA", "while a kernel ran", std::size_t{3} << 20});
  } catch (const Error& error) {
    return error.what();
  } catch (const std::exception&) {
    return "another kind of error";
  }
}

}  // namespace

TEST_CASE("memory that runs out is bad input: the problem is too large") {
  CHECK(
      sentence<InputError>(codes::memory_allocation, "cudaErrorMemoryAllocation") ==
      "backend cuda: the problem is too large: the device has no 3 MiB left; a smaller batch or seq, or backend traced "
      "or fused, takes less");
}

TEST_CASE("no driver, no device, an old device are told apart, and none is a failure") {
  CHECK(sentence<Unavailable>(codes::insufficient_driver, "cudaErrorInsufficientDriver") ==
        "backend cuda: no driver for CUDA 13 is installed (cudaErrorInsufficientDriver)");
  CHECK(sentence<Unavailable>(codes::stub_library, "s") == "backend cuda: no driver for CUDA 13 is installed (s)");
  CHECK(sentence<Unavailable>(codes::no_device, "cudaErrorNoDevice") ==
        "backend cuda: the driver shows no device (cudaErrorNoDevice)");
  CHECK(sentence<Unavailable>(codes::no_kernel_image, "cudaErrorNoKernelImageForDevice") ==
        "backend cuda: the device or its driver is too old for these kernels: compute capability 8.0 and CUDA 13 are "
        "needed (cudaErrorNoKernelImageForDevice)");
}

TEST_CASE("a device that fails says what it was doing, in CUDA's words too") {
  CHECK(sentence<DeviceFailure>(codes::illegal_address, "cudaErrorIllegalAddress") ==
        "backend cuda: the device failed while a kernel ran: words of CUDA (cudaErrorIllegalAddress); no output was "
        "written");
  CHECK(sentence<DeviceFailure>(999, "cudaErrorUnknown").find("(cudaErrorUnknown)") != std::string::npos);
}
