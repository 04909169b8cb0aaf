// SPDX-License-Identifier: Apache-2.0
// THE list of studies.
#include "core/studies/study.hpp"

namespace ulpscope::studies {

Study accumulate();
Study casts();
Study formats();
Study loss_scale();
Study norm();
Study online();
Study packing();
Study quantize();
Study range();
Study rope();

std::span<const Study> all_studies() {
  static const std::vector<Study> studies{accumulate(), casts(),   formats(),  loss_scale(), norm(),
                                          online(),     packing(), quantize(), range(),      rope()};
  return studies;
}

}  // namespace ulpscope::studies
