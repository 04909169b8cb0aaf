// SPDX-License-Identifier: Apache-2.0
// Tensor: values with a shape. Tape: every slot of a run, written once, or absent with a reason.
#pragma once

#include <map>
#include <span>
#include <string>
#include <variant>
#include <vector>

#include "core/compressor/slot.hpp"
#include "core/io/buffer.hpp"
#include "core/io/tensor.hpp"
#include "precision/format.hpp"

namespace ulpscope::compressor {

/// Row-major values, carried in float where every value is one, else in double. `dtype` is the container's, not
/// arithmetic.
struct Tensor {
  Shape shape;
  std::variant<io::Buffer<float>, io::Buffer<double>> data;
  io::DType dtype = io::DType::f32;

  std::size_t size() const {
    return std::visit([](const auto& values) { return values.size(); }, data);
  }
  double at(std::size_t flat) const {
    return std::visit([flat](const auto& values) { return static_cast<double>(values[flat]); }, data);
  }
};

/// A slot's values and the format they were stored in.
struct Record {
  Tensor tensor;
  precision::Format format;
};

class Tape {
 public:
  void set(Slot slot, Tensor tensor, precision::Format format) {
    records_[slot] = Record{std::move(tensor), std::move(format)};
  }
  void set_absent(Slot slot, std::string reason) { absent_[slot] = std::move(reason); }
  const Record* find(Slot slot) const {
    const auto found = records_.find(slot);
    return found == records_.end() ? nullptr : &found->second;
  }
  bool has(Slot slot) const { return records_.count(slot) != 0; }
  const std::map<Slot, Record>& records() const { return records_; }
  /// Why a slot of the contract is not there ("log_softmax writes no denominator").
  const std::map<Slot, std::string>& absent() const { return absent_; }

 private:
  std::map<Slot, Record> records_;
  std::map<Slot, std::string> absent_;
};

/// Values of a file's tensor; F32, BF16, F16, F8 are carried in float, F64 and integers in double. F32 and F64 share
/// the file tensor's memory where it is aligned.
Tensor tensor_from_file(const io::Tensor& tensor);
/// Rounded to `dtype` where the values are not of it; float to F32 and double to F64 share the memory.
io::Tensor tensor_to_file(const Tensor& tensor, io::DType dtype);
std::vector<double> to_doubles(const Tensor& tensor);

}  // namespace ulpscope::compressor
