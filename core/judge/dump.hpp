// SPDX-License-Identifier: Apache-2.0
// Dump: the slots that a file holds, ours or foreign, brought onto a tape and onto a problem.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "core/compressor/decode.hpp"
#include "core/compressor/problem.hpp"
#include "core/compressor/tape.hpp"
#include "core/io/json.hpp"
#include "core/io/pattern.hpp"
#include "core/io/tensor.hpp"
#include "core/judge/report.hpp"

namespace ulpscope::judge {

/// Foreign tensor names to slots: exact names first, then regular expressions (io::Pattern, whole name; $1 in the
/// slot).
class NameMap {
 public:
  NameMap() = default;
  /// `{"their.name": "slot", ...}`. Throws InputError headed by `where`: not an object of strings, a bad expression.
  NameMap(const io::Json& json, const std::string& where);
  /// The slot's name for a tensor's name; the name itself where nothing maps it.
  std::string translate(const std::string& name) const;
  /// The keys that no tensor's name is, or matches.
  std::vector<std::string> unmatched(const std::map<std::string, io::Tensor>& tensors) const;

 private:
  struct Rule {
    std::string name;
    io::Pattern pattern;
    std::string target;
  };
  std::vector<Rule> rules_;
};

struct Dump {
  compressor::Tape tape;
  /// Token slots that the file holds only the first n*ratio rows of; on the tape the rest is 0.
  std::map<compressor::Slot, compressor::Shape> partial;
  std::optional<compressor::Config> config;  ///< the dump's own, where it differs from the problem's
  std::map<std::string, std::string> metadata;
  std::vector<Unmapped> unmapped;
  std::map<std::string, io::Tensor> others;  ///< what is on no slot, by its own name: entries.KK, inputs, unknown names
  std::vector<std::string> notes;
  std::string source;
};

/// entries.KK and state.*: of decoding in chunks, and no slots.
bool is_decode_name(const std::string& name);

/// Throws InputError: a shape that is not the slot's, two tensors for one slot, a config of other sizes.
Dump dump_from_file(const io::TensorFile& file, const compressor::Problem& problem, const NameMap& map,
                    const std::string& source);

/// The first rows of every batch row: [B,S,F] -> `shape` = [B,rows,F]. Of any shape: the tensor, where `shape` is its.
compressor::Tensor cropped(const compressor::Tensor& tensor, const compressor::Shape& shape);
/// The tensor, with `rest` in all rows behind those.
compressor::Tensor with_first_rows(const compressor::Tensor& tensor, const compressor::Shape& shape, double rest);

/// What `run` writes beside the tensors.
struct DumpLabel {
  std::string recipe;  ///< the resolved recipe's JSON
  std::string backend;
  std::string problem_sha256;
  std::string version;
};
/// Every slot in its storage format's dtype (a format that has none: the narrowest that holds it).
io::TensorFile dump_to_file(const compressor::Tape& tape, const compressor::Config& config, const DumpLabel& label);
/// entries.KK after each chunk, state.kv, state.gate, and `output`, which is the last entries.
io::TensorFile decoded_to_file(const compressor::Decoded& decoded, const compressor::Config& config,
                               const DumpLabel& label);

}  // namespace ulpscope::judge
