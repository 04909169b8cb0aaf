# SPDX-License-Identifier: Apache-2.0
"""Hugging Face's compressors on fresh random shapes: fp32 within rounding of ours, bf16 replayed bit for bit by recipe hf."""

import functools
import itertools
import math

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers.models.deepseek_v4")
us = pytest.importorskip("ulpscope")
import engine  # noqa: E402
import hugging_face  # noqa: E402
import machine  # noqa: E402
import shapes  # noqa: E402
from conftest import SEED  # noqa: E402

bits = pytest.mark.skipif(not machine.IS_DESCRIBED, reason="recipe hf names the orders of PyTorch's kernels for AVX2 and AVX-512")
RMS = 5e-6
TOLERANCE = 1e-5  # rtol and atol, as PR 3810 checks
UNIT = 2.0**-24  # roundoff of fp32
ENOUGH_CHANNELS = 8  # an entry of so many that are all nearly 0 was never met
# Sums over tokens, and the slot whose elements are their terms, times hidden.
OVER_TOKENS = {"grad.w_kv": "grad.kv", "grad.w_gate": "grad.gate"}
# Problems with one element each that no fp32 can have within TOLERANCE.
CANCELLING = {
    "mode": "csa",
    "batch": 16,
    "seq": 41,
    "hidden": 80,
    "head_dim": 2,
    "rope": {"dim": 2, "theta": 10000, "yarn": shapes.YARN},
}
VANISHING = CANCELLING | {"seq": 75, "hidden": 16, "rope": {"dim": 2, "theta": 160000, "yarn": None}}
# Replayed from the library's own nearest slots: every bit.
EXACT = {"logits", "weights", "products", "pooled", "normed", "rotated"} | {
    f"grad.{name}" for name in ("normed", "pooled", "weights", "values", "logits", "kv", "gate", "ape", "gamma")
}
# Long sums, rounded once by the recipe and in an order of the library's own: 99.9%, every other element explained.
NEAR = {"kv", "gate", "grad.w_kv", "grad.w_gate", "grad.hidden"}
NEAR_PART = 0.999
# PyTorch's fp32 cos and sin are MKL's, some an ulp from the correctly rounded ones: what they rotate is replayed from them.
TABLES = {"rope_cos", "rope_sin"}


@functools.lru_cache(maxsize=None)
def problem_of(shape):
    return engine.draw(shape)


@functools.lru_cache(maxsize=None)
def slots_of(shape, dtype):
    problem = problem_of(shape)
    return hugging_face.run(problem.config, engine.inputs(problem), dtype, shape.kind)


def core_slots(shape, dtype, more=frozenset()):
    """The slots that the golden dumps have, and more: fewer slots, longer replays."""
    names = set(hugging_face.CORE) | more
    return {name: tensor for name, tensor in slots_of(shape, dtype).items() if name in names}


@functools.lru_cache(maxsize=None)
def bf16_rows(shape):
    return engine.judge(problem_of(shape), core_slots(shape, torch.bfloat16), machine.recipe("hf"))


def expected(shape, names):
    """Slots that this shape must have a row for."""
    return names - (set() if shape.config["rope"] else {"rotated"})


def misses(row, what="bits_equal"):
    return round(row["count"] * (1 - row["replay"][what]))


def unequal(shape, rows, names):
    """{slot: (elements without the library's bits, count)}."""
    found = {}
    for name in sorted(expected(shape, names)):
        row = rows[name]
        if misses(row):
            found[name] = (misses(row), row["count"])
    return found


def check_explained(shape, rows, names):
    """Every replayed element is the library's own or one that the recipe's open freedom explains."""
    wrong = {
        name: (misses(rows[name], "explained"), rows[name]["count"])
        for name in expected(shape, names)
        if not rows[name]["replay"]["explained"] == 1
    }
    assert wrong == {}
    assert {name: row["reason"] for name, row in rows.items() if row["status"] not in ("ok", "absent")} == {}


@bits
def test_rope_frequencies_are_the_library_s_to_the_bit():
    for dim, theta, yarn in itertools.product((*range(2, 130, 2), 192, 256, 512), shapes.THETAS, (shapes.YARN, None)):
        config = {"mode": "csa", "batch": 1, "seq": 4, "hidden": 1, "head_dim": dim}
        problem = us.Problem.make(config | {"rope": {"dim": dim, "theta": theta, "yarn": yarn}})
        ours = engine.run(problem, machine.recipe("hf"))["rope_frequencies"]
        assert torch.equal(ours, hugging_face.rope_frequencies(problem.config).double()), (dim, theta, yarn)


@bits
def test_bf16_is_replayed_bit_for_bit(shape):
    rows = bf16_rows(shape)
    check_explained(shape, rows, set(hugging_face.CORE) - {"output"})
    assert unequal(shape, rows, EXACT) == {}


@bits
def test_bf16_projections_are_near_over_the_run():
    rows = [bf16_rows(shapes.draw(SEED, index)) for index in range(shapes.COUNT)]
    for name in sorted(NEAR):
        count = sum(row[name]["count"] for row in rows)
        missed = sum(misses(row[name]) for row in rows)
        assert count > 1000
        assert not missed / count > 1 - NEAR_PART, f"{name}: {missed} of {count} differ; ULPSCOPE_PARITY_SEED={SEED}"


@bits
def test_bf16_inner_slots_are_replayed_too(shape):
    rows = engine.judge(problem_of(shape), slots_of(shape, torch.bfloat16), machine.recipe("hf"))
    inner = {"biased", "softmax", "mean_square", "normalized", "grad.biased"}
    if shape.config["rope"]:
        inner |= {"rope_frequencies", "rope_cos", "rope_sin"}
    check_explained(shape, rows, inner | EXACT)
    assert unequal(shape, rows, inner | EXACT) == {}


def condition(shape, truth):
    """What tolerances grow by: an entry of few channels may nearly vanish; then its relative error, which the norm and
    its gradient pass on, is that of its terms times the size of those over its own."""
    if shape.config["head_dim"] >= ENOUGH_CHANNELS:
        return 1
    terms, entry = truth["products"].abs().sum(-2), truth["pooled"]
    conditions = (terms.square().mean(-1) / (entry.square().mean(-1) + problem_of(shape).config["eps"])).sqrt()
    return max(1.0, conditions.max().item())


def fp32_slots(shape):
    """What fp32 can be near to: RMSNorm's gradient of a single channel cancels but for eps, and leaves noise to all it reaches."""
    slots = core_slots(shape, torch.float32)
    if shape.config["head_dim"] > 1:
        return slots
    reached = ("pooled", "products", "weights", "values", "logits", "kv", "gate", "ape", "w_kv", "w_gate", "hidden")
    return {name: value for name, value in slots.items() if name not in {f"grad.{slot}" for slot in reached}}


def test_fp32_is_within_rounding_of_the_truth(shape):
    """The truth: the formulas in fp64, of the same inputs and of RoPE tables in fp32, whose error is the next test's."""
    rows = engine.judge(problem_of(shape), core_slots(shape, torch.float32, TABLES), machine.recipe("hf-fp32"))
    check_explained(shape, rows, set(hugging_face.CORE) - {"output"})
    truth = engine.run(problem_of(shape), engine.exact_but_for_the_tables())
    tolerance = RMS * condition(shape, truth)
    for name, theirs in fp32_slots(shape).items():
        finite = torch.isfinite(truth[name])
        assert torch.equal(finite, torch.isfinite(theirs)), name
        error, size = (theirs.double() - truth[name])[finite], truth[name][finite]
        assert torch.linalg.vector_norm(error) <= tolerance * torch.linalg.vector_norm(size), name
    if machine.IS_DESCRIBED:
        assert unequal(shape, rows, EXACT) == {}


def test_fp32_tables_are_within_the_error_of_an_fp32_angle(shape):
    """The angle p w at position p, w = theta^-f: power (to an ulp), reciprocal and product round (4 units of p w), f itself
    does where dim is no power of two (f ln theta units), YaRN's ramp and mixture do (6); then cos and sin, to 2 units."""
    rope = shape.config["rope"]
    if rope is None:
        pytest.skip("no RoPE")
    exact = engine.run(problem_of(shape), "fp64")
    exponents = torch.arange(0, rope["dim"], 2).double() / rope["dim"]
    positions = shape.config["ratio"] * torch.arange(len(exact["rope_cos"])).double()
    units = 4 + exponents * math.log(rope["theta"]) + (6 if rope["yarn"] else 0)
    bound = UNIT * (positions[:, None] * exact["rope_frequencies"] * units + 2)
    for name in ("rope_cos", "rope_sin"):
        error = (slots_of(shape, torch.float32)[name].double() - exact[name]).abs()
        assert bool((error <= bound).all()), name


def tolerances(name, ours, problem):
    """Of every element of a slot: TOLERANCE, absolute and relative; a weight's gradient, a sum over all tokens whose terms
    may cancel, is as wrong as its terms may be."""
    if name not in OVER_TOKENS:
        return TOLERANCE * (1 + ours[name].abs())
    terms = TOLERANCE * (1 + ours[OVER_TOKENS[name]].abs()).flatten(0, 1)
    return terms.T @ engine.inputs(problem)["hidden"].double().abs().flatten(0, 1)


def test_fp32_is_within_tolerance_of_recipe_fp32(shape):
    ours = engine.run(problem_of(shape), "fp32")
    growth = condition(shape, engine.run(problem_of(shape), "fp64"))
    for name, theirs in fp32_slots(shape).items():
        mine, theirs = ours[name], theirs.double()
        assert torch.equal(torch.isinf(mine), torch.isinf(theirs)), name
        finite = torch.isfinite(mine)
        error, size = (theirs - mine)[finite], mine[finite]
        assert torch.linalg.vector_norm(error) <= RMS * growth * torch.linalg.vector_norm(size), name
        assert bool((error.abs() <= growth * tolerances(name, ours, problem_of(shape))[finite]).all()), name


def test_no_sum_of_fp32_terms_keeps_a_weight_s_gradient_within_1e_5():
    """One element of grad.w_kv, 656 terms of 90 altogether that cancel to 0.52: the exact sum of the library's own terms,
    each within 1e-5, is already further than 1e-5 from the truth."""
    problem = us.Problem.make(CANCELLING, seed=228421687)
    truth = engine.run(problem, "fp64")
    terms = hugging_face.run(problem.config, engine.inputs(problem), torch.float32)["grad.kv"].double()
    assert bool(((terms - truth["grad.kv"]).abs() <= TOLERANCE * (1 + truth["grad.kv"].abs())).all())
    factors = engine.inputs(problem)["hidden"].double()
    exact = (terms[:, :, 1] * factors[:, :, 5]).sum()
    target = truth["grad.w_kv"][1, 5]
    assert (terms[:, :, 1] * factors[:, :, 5]).abs().sum() > 170 * target.abs()
    assert (exact - target).abs() > 1.3 * TOLERANCE * (1 + target.abs())


def test_no_fp32_entry_that_nearly_vanishes_keeps_its_gradient_within_1e_5():
    """One entry of two channels, (-0.0119, 0.0037) of terms of 2.0 and 0.35: the *exact* gradient of the norm at the
    library's own fp32 entry is already further than 1e-5 from the truth."""
    problem = us.Problem.make(VANISHING, seed=893171909)
    truth = engine.run(problem, "fp64")
    cotangent = truth["grad.normed"] * engine.inputs(problem)["gamma"].double()
    theirs = hugging_face.run(problem.config, engine.inputs(problem), torch.float32)["pooled"].double()

    def gradient(x):
        inverse = (x.square().mean(-1, keepdim=True) + problem.config["eps"]).rsqrt()
        unit = x * inverse
        return (inverse * (cotangent - unit * (cotangent * unit).mean(-1, keepdim=True)))[1, 5, 0]

    target = truth["grad.pooled"][1, 5, 0]
    assert (gradient(truth["pooled"]) - target).abs() <= 1e-12 * target.abs()
    assert (gradient(theirs) - target).abs() > 1.5 * TOLERANCE * (1 + target.abs())
