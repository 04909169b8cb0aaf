// SPDX-License-Identifier: Apache-2.0
// Birth certificates: each class by hand, masks, and cures that were run.
#include "core/judge/nonfinite.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/core/judge/certified.hpp"

using namespace ulpscope;
using namespace ulpscope::test;
using compressor::forward;
using compressor::gradient;
using compressor::Name;
using compressor::Problem;
using compressor::Recipe;
using compressor::Slot;
using judge::BirthCertificate;
using judge::Nonfinite;

namespace {

constexpr double infinity = std::numeric_limits<double>::infinity();

/// The first `hidden` tokens are padding: in window 0 every slot is masked.
Problem left_padded_problem(std::size_t hidden) {
  Problem problem = plain_problem();
  std::vector<double> mask(problem.config.seq, 1);
  std::fill_n(mask.begin(), hidden, 0.0);
  problem.inputs[Name::attention_mask] = {{1, problem.config.seq}, std::move(mask), io::DType::boolean};
  return problem;
}

}  // namespace

TEST_CASE("a sum of squares that leaves fp16 is an overflow of the addition that did it, masked by the norm") {
  compressor::Config config = test::small_config(compressor::Mode::csa);
  config.batch = 1;
  config.head_dim = 512;
  const Problem problem = compressor::make_problem(config, {});
  const Nonfinite found = certified(problem, recipe_of("fp16-pure", {}), filled(forward(Name::pooled), 16));

  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == forward(Name::mean_square));
  CHECK(birth.stage == "normalize");
  CHECK(birth.operation == "add");
  CHECK(birth.birth_class == "overflow");
  REQUIRE(birth.operands.size() == 2);
  CHECK(birth.operands[0].value == 65280);  // after 255 terms of 256
  CHECK(birth.operands[0].hex == "0x7BF8");
  CHECK(birth.operands[1].value == 256);
  CHECK(birth.operands[1].hex == "0x5C00");
  CHECK(birth.masked_by == "normalized");  // x / inf = 0: no NaN, and a wrong output
  CHECK(birth.cure == "normalize.accumulate=fp32: fp32 in the stage's sums");
  CHECK_FALSE(birth.channel);
  CHECK(birth.count == config.windows());
}

TEST_CASE("naive softmax of very negative logits divides 0 by 0, and the shifted one cures it") {
  const Nonfinite found =
      certified(plain_problem(), recipe_of("fp32", {"softmax=naive"}), filled(forward(Name::logits), -104));
  const BirthCertificate& birth = only(found);
  CHECK(birth.slot == forward(Name::softmax));
  CHECK(birth.stage == "softmax");
  CHECK(birth.operation == "div");
  CHECK(birth.birth_class == "0/0");
  REQUIRE(birth.operands.size() == 2);
  CHECK(birth.operands[0].value == 0);
  CHECK(birth.operands[1].hex == "0x00000000");
  CHECK(birth.cure == "softmax=shifted: the maximum subtracted");
  CHECK(birth.masked_by.empty());
  CHECK(on_path(birth, forward(Name::output)) > 0);
  CHECK(on_path(birth, gradient(Name::hidden)) > 0);
}

TEST_CASE("naive softmax of large logits overflows in exp") {
  const Nonfinite found =
      certified(plain_problem(), recipe_of("fp32", {"softmax=naive"}), filled(forward(Name::logits), 89));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == forward(Name::exp));
  CHECK(birth.operation == "exp");
  CHECK(birth.birth_class == "overflow");
  CHECK(birth.cure == "softmax=shifted: the maximum subtracted");
}

TEST_CASE("rows of -inf: which operation, and where it returns") {
  struct Case {
    const char* softmax;
    const char* slot;
    const char* operation;
    const char* birth_class;
    const char* masked_by;
  };
  const Problem problem = left_padded_problem(4);
  for (const Case& one : {Case{"naive", "softmax", "div", "0/0", ""},
                          {"shifted", "shifted", "sub", "inf - inf", ""},
                          {"log_softmax", "shifted", "sub", "inf - inf", ""},
                          {"online", "denominator", "sub", "inf - inf", ""},
                          {"where_post", "shifted", "sub", "inf - inf", "weights"}}) {
    INFO(one.softmax);
    const Nonfinite found = certified(problem, recipe_of("fp32", {"mask=pad", std::string("softmax=") + one.softmax}));
    REQUIRE_FALSE(found.certificates.empty());
    const BirthCertificate& birth = found.certificates.front();
    CHECK(compressor::to_string(birth.slot) == one.slot);
    CHECK(birth.window == std::size_t{0});
    CHECK(birth.operation == one.operation);
    CHECK(birth.birth_class == one.birth_class);
    CHECK(birth.masked_by == one.masked_by);
    CHECK(on_path(birth, gradient(Name::logits)) > 0);
    CHECK_FALSE(birth.cure.empty());
    CHECK_FALSE(found.notes.empty());  // exact arithmetic has no number there either
  }
  for (const char* guarded : {"double_where", "where_arg", "online_guarded"}) {
    INFO(guarded);
    const auto settings = std::vector<std::string>{"mask=pad", std::string("softmax=") + guarded};
    for (const BirthCertificate& birth : certified(problem, recipe_of("fp32", settings)).certificates) {
      CHECK_FALSE(birth.masked_by.empty());
      CHECK(on_path(birth, gradient(Name::logits)) == 0);
    }
  }
}

TEST_CASE("a birth that nothing later depends on needs no cure") {
  const Problem problem = left_padded_problem(4);
  for (const char* softmax : {"double_where", "where_arg"}) {
    const Nonfinite found = certified(problem, recipe_of("fp32", {"mask=pad", std::string("softmax=") + softmax}));
    REQUIRE(found.certificates.size() > 1);
    for (const BirthCertificate& birth : found.certificates)
      CHECK(birth.cure.starts_with("none needed: without it the same numbers are in all that reads it ("));
  }
  // Masked forward, and back in a gradient; without gradients too, which are run then.
  const Recipe returning = recipe_of("fp32", {"mask=pad", "softmax=where_post"});
  CHECK_FALSE(certified(problem, returning).certificates.front().cure.starts_with("none needed"));
  const Recipe harmless = recipe_of("fp32", {"mask=pad", "softmax=double_where"});
  for (const Recipe& recipe : {returning, harmless}) {
    compressor::RunOptions options;
    options.gradients = compressor::Gradients::none;
    const auto forward_only = compressor::run_traced(problem, recipe, options);
    const judge::Truth truth = truth_of(problem, recipe);
    const Nonfinite found = judge::certify({problem, recipe, forward_only.tape, truth.tape}, 1);
    REQUIRE_FALSE(found.certificates.empty());
    CHECK(found.certificates.front().cure.starts_with("none needed") == (recipe.softmax == harmless.softmax));
  }
}

TEST_CASE("the maximum of no slot is -inf by definition, and no birth") {
  const Problem problem = left_padded_problem(4);
  for (const char* softmax : {"double_where", "where_arg", "online_guarded"}) {
    for (const char* gate : {"pad.gate=-1e4", "pad.gate=-inf"}) {
      const Recipe recipe = recipe_of("pr3810", {"mask=pad", std::string("softmax=") + softmax, gate});
      for (const BirthCertificate& birth : certified(problem, recipe).certificates)
        CHECK(birth.slot != forward(Name::row_max));
    }
  }
}

TEST_CASE("an unguarded online softmax is poisoned by a first tile of pads, and guarded is the cure") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp32", {"softmax=online"}));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == forward(Name::denominator));
  CHECK(birth.window == std::size_t{0});
  CHECK(birth.operation == "sub");
  CHECK(birth.birth_class == "inf - inf");
  CHECK(birth.cure == "softmax=online_guarded: maxima of -inf guarded against");
  CHECK(found.notes.empty());
}

TEST_CASE("an infinite kv pad meets a weight of 0, and kv 0 is the cure") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp32", {"pad.kv=inf"}));
  REQUIRE(found.certificates.size() >= 4);
  for (std::size_t r = 0; r < 4; ++r) {
    const BirthCertificate& birth = found.certificates[r];
    CHECK(birth.slot == forward(Name::products));
    CHECK(birth.birth_class == "0 * inf");
    CHECK(birth.window == std::size_t{0});
    CHECK(birth.softmax_slot == r);
    CHECK(birth.cure == "pad.kv=0: kv of pads 0");
  }
  const Nonfinite nan = certified(plain_problem(), recipe_of("fp32", {"pad.kv=nan"}));
  CHECK(nan.certificates.front().slot == forward(Name::values));
  CHECK(nan.certificates.front().birth_class == "from pad");
  CHECK(nan.certificates.front().cure == "pad.kv=0: kv of pads 0");
}

TEST_CASE("what an input holds, or becomes when it is rounded, is from the input") {
  Problem problem = plain_problem();
  std::vector<double> values = compressor::to_doubles(problem.input(Name::hidden));
  values[30] = std::nan("");
  problem.inputs[Name::hidden] = {problem.input(Name::hidden).shape, values, io::DType::f64};
  const Nonfinite found = certified(problem, recipe_of("fp32", {}));
  const BirthCertificate& birth = only(found);
  CHECK(birth.slot == forward(Name::hidden));
  CHECK(birth.index == 30);
  CHECK(birth.birth_class == "from input");
  CHECK(birth.cure == "0 in place of the element in hidden");
  CHECK(on_path(birth, forward(Name::output)) > 0);

  values[30] = 1e5;
  problem.inputs[Name::hidden] = {problem.input(Name::hidden).shape, values, io::DType::f64};
  const Nonfinite rounded = certified(problem, recipe_of("fp16-pure", {}));
  const BirthCertificate& overflow = rounded.certificates.front();
  CHECK(overflow.slot == forward(Name::hidden));
  CHECK(overflow.operation == "round");
  CHECK(overflow.birth_class == "overflow");
  CHECK(overflow.operands.front().value == 1e5);
}

TEST_CASE("a loss scale that leaves fp16 is born in the gradient, meets weights of 0, and a smaller one cures it") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp16-pure", {"loss_scale=65536"}));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == gradient(Name::output));
  CHECK(birth.operation == "mul");
  CHECK(birth.birth_class == "overflow");
  CHECK(birth.cure.starts_with("loss_scale="));
  CHECK(on_path(birth, gradient(Name::values)) > 0);
}

TEST_CASE("forward fine, backward not: the division rule that squares the denominator") {
  const Recipe recipe = recipe_of("fp32", {"softmax=naive", "softmax.vjp=autodiff:jax_div"});
  for (const auto& [logit, birth_class] : {std::pair{-50.0, "overflow"}, {-55.0, "x/0"}}) {
    const Nonfinite found = certified(plain_problem(), recipe, filled(forward(Name::logits), logit));
    const BirthCertificate& birth = only(found);
    CHECK(birth.slot == gradient(Name::logits));
    CHECK(birth.stage == "softmax");
    CHECK(birth.operation == "div");
    CHECK(birth.birth_class == birth_class);
    CHECK(birth.operands.front().value == 1);
    CHECK(birth.cure == "backward.softmax.vjp=y_times_g_minus_s: the closed VJP of the softmax");
    CHECK(on_path(birth, forward(Name::output)) == 0);
    CHECK(on_path(birth, gradient(Name::w_gate)) > 0);
  }
}

TEST_CASE("the dump with NaN in its padded kv rows: window 0, slots 0..3, and the cure") {
  const Problem problem = test::golden_problem("csa-small");
  const judge::Dump dump = test::golden_dump("csa-small.mutant-kv-nan-in-pad", problem);
  const auto report = test::judged(problem, dump, compressor::load_recipe("fp32"));
  std::vector<std::size_t> slots;
  std::uint64_t count = 0;
  for (const BirthCertificate& birth : report.nonfinite) {
    CHECK(birth.slot == forward(Name::values));
    CHECK(birth.stage == "window");
    CHECK(birth.window == std::size_t{0});
    CHECK(birth.birth_class == "from pad");
    CHECK(birth.cure == "pad.kv=0: 0 held in the padded rows of values");
    CHECK(on_path(birth, forward(Name::products)) > 0);
    REQUIRE(birth.softmax_slot);
    slots.push_back(*birth.softmax_slot);
    count += birth.count;
  }
  std::sort(slots.begin(), slots.end());
  slots.erase(std::unique(slots.begin(), slots.end()), slots.end());
  CHECK(slots == std::vector<std::size_t>{0, 1, 2, 3});
  CHECK(count == problem.config.batch * 4 * problem.config.head_dim);
}

TEST_CASE("the dump with another pad gate has nothing that is not finite") {
  const Problem problem = test::golden_problem("csa-small");
  const judge::Dump dump = test::golden_dump("csa-small.mutant-pad-gate-0", problem);
  CHECK(test::judged(problem, dump, compressor::load_recipe("fp32")).nonfinite.empty());
}

TEST_CASE("more births than certificates are counted, not lost") {
  const Problem problem = plain_problem();
  compressor::RunOptions options;
  const std::vector<Name> names{Name::kv, Name::gate, Name::values, Name::logits, Name::shifted};
  for (const Name name : names) {
    options.overrides[forward(name)] = [name](compressor::Tensor& tensor) {
      std::vector<double> values = compressor::to_doubles(tensor);
      // A row of channels each, at other channels of other windows than the slots before.
      for (std::size_t row = 0; row < 8; ++row)
        values[(20 + row) * tensor.shape.back() + static_cast<std::size_t>(name)] = std::nan("");
      tensor.data = values;
    };
  }
  const Nonfinite found = certified(problem, recipe_of("fp32", {}), options);
  REQUIRE(found.certificates.size() == judge::most_certificates);
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0] == "8 more births of values that are not finite are not certified, in shifted");
  for (std::size_t i = 0; i < 8; ++i) {
    CHECK(found.certificates[i].slot == forward(Name::kv));
    CHECK(found.certificates[i].count == 1);
  }
}

namespace {

/// The problem with one element of an input set.
Problem with_input(Problem problem, Name name, std::size_t index, double value) {
  std::vector<double> values = compressor::to_doubles(problem.input(name));
  values.at(index) = value;
  problem.inputs[name] = {problem.input(name).shape, std::move(values), io::DType::f64};
  return problem;
}

bool tells(const std::vector<std::string>& notes, const std::string& text) {
  return std::any_of(notes.begin(), notes.end(),
                     [&](const std::string& note) { return note.find(text) != std::string::npos; });
}

}  // namespace

TEST_CASE("what is infinite in the truth too does not mask an infinite input, and is said") {
  const Problem problem = plain_problem();
  const std::size_t token = 5 * problem.config.hidden;
  const Nonfinite found = certified(with_input(problem, Name::hidden, token, infinity), recipe_of("fp32", {}));
  REQUIRE(found.certificates.size() > 1);
  CHECK(found.certificates.front().slot == forward(Name::hidden));
  CHECK(found.certificates.front().masked_by.empty());
  CHECK(tells(found.notes, "behind hidden the truth is infinite too, which is no birth: kv ("));

  const Nonfinite gamma = certified(with_input(problem, Name::gamma, 2, infinity), recipe_of("fp32", {}));
  CHECK(gamma.certificates.front().slot == forward(Name::gamma));
  CHECK(gamma.certificates.front().masked_by.empty());
  CHECK(tells(gamma.notes, "behind gamma the truth is infinite too, which is no birth: normed ("));

  const Nonfinite nan = certified(with_input(problem, Name::hidden, token, std::nan("")), recipe_of("fp32", {}));
  CHECK_FALSE(tells(nan.notes, "infinite too"));
}

TEST_CASE("a sum of opposite infinities is born where they meet") {
  const Problem problem = plain_problem();
  const compressor::Config& config = problem.config;
  const std::size_t last = config.features() - 1;
  const Nonfinite found =
      certified(with_input(problem, Name::w_kv, last * config.hidden, infinity), recipe_of("fp32", {}));
  const auto pooled = std::find_if(found.certificates.begin(), found.certificates.end(),
                                   [](const auto& birth) { return birth.slot == forward(Name::pooled); });
  REQUIRE(pooled != found.certificates.end());
  CHECK(pooled->operation == "add");
  CHECK(pooled->birth_class == "inf - inf");
  REQUIRE(pooled->operands.size() == 2);
  CHECK(pooled->operands[0].value == -pooled->operands[1].value);
}

TEST_CASE("a pad of -inf in a format without infinities is cured by another format") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp32", {"window.storage=e4m3fn"}));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == forward(Name::logits));
  CHECK(birth.birth_class == "from pad");
  CHECK(birth.cure == "window.storage=bf16: the range of bf16 in what the stage stores");
}

TEST_CASE("a NaN where the truth is infinite is not said to be one in the truth too") {
  const Problem problem = with_input(plain_problem(), Name::w_kv, 0, infinity);
  const Nonfinite found = certified(problem, recipe_of("fp32", {"softmax.storage=e2m1"}));  // 0 * inf, w * inf in truth
  const auto products = std::find_if(found.certificates.begin(), found.certificates.end(),
                                     [](const auto& birth) { return birth.slot == forward(Name::products); });
  REQUIRE(products != found.certificates.end());
  CHECK(products->birth_class == "0 * inf");
  CHECK_FALSE(tells(found.notes, "births in products are NaN in the truth too"));
}

TEST_CASE("an operand's bits are its value's, also where it is no number of the operation's format") {
  const Nonfinite found = certified(plain_problem(), recipe_of("fp16-pure", {"loss_scale=1048576"}));
  const BirthCertificate& birth = found.certificates.front();
  CHECK(birth.slot == gradient(Name::output));
  REQUIRE(birth.operands.size() == 2);
  CHECK(birth.operands[1].value == 1048576);
  CHECK(birth.operands[1].hex == "0x4130000000000000");
}
