// SPDX-License-Identifier: Apache-2.0
// THE list of studies.
#include "core/studies/study.hpp"

namespace ulpscope::studies {

Study accumulate();
Study casts();
Study formats();
Study online();
Study rope();

std::span<const Study> all_studies() {
  static const std::vector<Study> studies{accumulate(), casts(), formats(), online(), rope()};
  return studies;
}

}  // namespace ulpscope::studies
