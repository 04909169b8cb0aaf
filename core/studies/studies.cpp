// SPDX-License-Identifier: Apache-2.0
// THE list of studies.
#include "core/studies/study.hpp"

namespace ulpscope::studies {

Study accumulate();
Study casts();
Study formats();
Study loss_scale();
Study nan();
Study norm();
Study online();
Study packing();
Study pads();
Study quantize();
Study range();
Study rope();
Study underflow();

std::span<const Study> all_studies() {
  static const std::vector<Study> studies{pads(),       underflow(),  nan(),    casts(), formats(),
                                          accumulate(), range(),      norm(),   rope(),  quantize(),
                                          online(),     loss_scale(), packing()};
  return studies;
}

}  // namespace ulpscope::studies
