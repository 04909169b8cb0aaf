// SPDX-License-Identifier: Apache-2.0
// THE list of studies.
#include "core/studies/study.hpp"

namespace ulpscope::studies {

Study accumulate();
Study pads();
Study underflow();

std::span<const Study> all_studies() {
  static const std::vector<Study> studies{accumulate(), pads(), underflow()};
  return studies;
}

}  // namespace ulpscope::studies
