# SPDX-License-Identifier: Apache-2.0
"""Formulas of the softmax, alive: the decision table of pads against JAX's autodiff, exp(x) / sum exp(x) over all its bands against
JAX, which flushes subnormal numbers on a CPU, and PyTorch, which keeps them; the bits of what is written out in PyTorch."""

import os

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
jax = pytest.importorskip("jax")
np = pytest.importorskip("numpy")
torch = pytest.importorskip("torch")
us = pytest.importorskip("ulpscope")
import jax.numpy as jnp  # noqa: E402
from conftest import SEED  # noqa: E402

COTANGENT = np.array([0.5, -0.25, 1.5, -0.75], np.float32)
LOGITS = np.arange(-112, 96, 1 / 8, dtype=np.float32)
PADS = 4


def classes(values):
    values = np.asarray(values)
    return np.where(np.isnan(values), "NaN", np.where(np.isinf(values), "Inf", np.where(values == 0, "0", "a number")))


def by_recipe(recipe, logits, cotangent):
    """Weights and gradients of columns of logits, [slots, columns], with these cotangents of the weights."""
    slots, columns = logits.shape
    config = {"mode": "hca", "ratio": slots, "batch": 1, "seq": slots, "hidden": slots, "head_dim": columns, "norm": False, "rope": None}
    problem = us.Problem(
        config,
        hidden=np.eye(slots, dtype=np.float32)[None],
        w_gate=np.ascontiguousarray(logits.T, np.float32),
        w_kv=np.ascontiguousarray(cotangent.T, np.float32),  # d pooled / d weights
        ape=np.zeros((slots, columns), np.float32),
        gamma=np.ones(columns, np.float32),
        cotangent=np.ones((1, 1, columns), np.float32),
    )
    run = us.run(problem, recipe)
    return np.asarray(run["weights"], np.float64)[0, 0], np.asarray(run["grad.logits"], np.float64)[0, 0]


def with_settings(name, *settings):
    recipe = us.Recipe(name)
    for setting in settings:
        recipe = recipe.with_(setting)
    return recipe


def in_bands(*settings):
    """Weights and gradients of four equal logits, [logits, 4], in recipe fp32 with these settings."""
    logits = np.repeat(LOGITS[None, :], 4, axis=0)
    cotangent = np.repeat(COTANGENT[:, None], len(LOGITS), axis=1)
    weights, gradients = by_recipe(with_settings("fp32", "softmax=naive", *settings), logits, cotangent)
    return weights.T, gradients.T


def naive(x, axis):
    e = jnp.exp(x)
    return e / e.sum(axis, keepdims=True)


def test_bands_of_jax():
    logits = jnp.repeat(LOGITS[:, None], 4, axis=1)
    theirs = np.asarray(naive(logits, 1))
    slopes = np.asarray(jax.grad(lambda x: (naive(x, 1) * COTANGENT).sum())(logits))
    # XLA divides by multiplying with the reciprocal, which is 0 where the sum is beyond 2^126.
    flushed = "default=fp32:ftz:daz", "softmax.exp=xla_cpu", "softmax.division=reciprocal"
    weights, gradients = in_bands("softmax.vjp=autodiff:jax_div", *flushed)
    np.testing.assert_array_equal(classes(weights), classes(theirs))
    np.testing.assert_array_equal(classes(gradients), classes(slopes))
    finite = np.isfinite(slopes)
    assert finite.sum() > len(LOGITS)
    # Gradients that have lost a term of their mean are as wrong here as there: a term is 1/64 of these numbers or more.
    np.testing.assert_allclose(gradients[finite], slopes[finite], rtol=0, atol=2**-20)


def one_exponential(x):
    e = torch.exp(x)
    return e / e.sum(1, keepdim=True)


def two_exponentials(x):
    return torch.exp(x) / torch.exp(x).sum(1, keepdim=True)


def through_the_maximum(x):
    return one_exponential(x - x.amax(1, keepdim=True))


WRITTEN_OUT = {
    one_exponential: ("softmax=naive", "softmax.vjp=autodiff:torch_div"),
    two_exponentials: ("softmax=naive", "softmax.vjp=autodiff:torch_two_exp"),
    through_the_maximum: ("softmax=shifted", "softmax.vjp=autodiff:torch_div", "softmax.max_gradient=through"),
}


@pytest.mark.parametrize("formula", (one_exponential, two_exponentials))
def test_bands_of_pytorch(formula):
    logits = torch.from_numpy(LOGITS)[:, None].repeat(1, 4).requires_grad_()
    theirs = formula(logits)
    theirs.backward(torch.from_numpy(COTANGENT).expand_as(theirs))
    weights, gradients = in_bands(*WRITTEN_OUT[formula])
    np.testing.assert_array_equal(classes(weights), classes(theirs.detach()))
    np.testing.assert_array_equal(classes(gradients), classes(logits.grad))


def where_exp_is_correct(x, format):
    """Of these numbers those whose exponential PyTorch rounds correctly; what it does to the others is another matter."""
    return torch.exp(x).double() == torch.from_numpy(us.round(np.exp(x.double().numpy()), format))  # rounded once


@pytest.mark.parametrize("slots", (4, 8, 128))
@pytest.mark.parametrize("format", ("fp32", "bf16", "fp16"))
@pytest.mark.parametrize("formula", WRITTEN_OUT)
def test_bits_of_pytorch(formula, format, slots):
    dtype = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}[format]
    half = format != "fp32"
    rng = torch.Generator().manual_seed(SEED)
    logits = (2 * torch.randn(4096, slots, generator=rng)).to(dtype)
    exponents = logits - logits.amax(1, keepdim=True) if formula is through_the_maximum else logits
    logits = logits[where_exp_is_correct(exponents, format).all(1)][:512].requires_grad_()
    assert len(logits) >= 256
    cotangent = torch.randn(logits.shape, generator=rng).to(dtype)
    theirs = formula(logits)
    theirs.backward(cotangent)
    order = "softmax.summation=torch_channels:" + ("16" if half else "8")
    recipe = with_settings(format + "-pure" if half else "fp32", *WRITTEN_OUT[formula], order)
    for setting in ("accumulate=fp32", f"storage.denominator={format}", f"storage.weights={format}"):
        recipe = recipe.with_("softmax." + setting)
    weights, gradients = by_recipe(recipe, logits.detach().float().numpy().T, cotangent.float().numpy().T)
    np.testing.assert_array_equal(weights.T, theirs.detach().double())
    np.testing.assert_array_equal(gradients.T, logits.grad.double())


def shifted(x, maximum):
    e = jnp.exp(x - maximum)
    return e / e.sum()


def online(x, guarded):
    """Two tiles of four: pads first."""
    running, total = jnp.float32(-jnp.inf), jnp.float32(0)
    for tile in (x[:PADS], x[PADS:]):
        largest = jnp.maximum(running, tile.max())
        anchor = jnp.where(largest == -jnp.inf, 0, largest) if guarded else largest
        total = total * jnp.exp(running - anchor) + jnp.exp(tile - anchor).sum()
        running = largest
    anchor = jnp.where(running == -jnp.inf, 0, running) if guarded else running
    return jnp.exp(x - anchor) / (jnp.where(total == 0, 1, total) if guarded else total)


# The study's algorithm and rule, and the same in JAX.
FORMULAS = {
    "naive": ("autodiff:jax_div", lambda x, mask: naive(x, 0)),
    "shifted": ("autodiff:jax_div", lambda x, mask: shifted(x, jax.lax.stop_gradient(x.max()))),
    "shifted ": ("gy_minus_ys", lambda x, mask: jax.nn.softmax(x)),
    "where_post": ("gy_minus_ys", lambda x, mask: jnp.where(mask, jax.nn.softmax(x), 0)),
    "double_where": (
        "gy_minus_ys",
        lambda x, mask: jnp.where(mask, jax.nn.softmax(jnp.where(mask.any(), jnp.where(mask, x, -jnp.inf), 0)), 0),
    ),
    "where_arg": ("gy_minus_ys", lambda x, mask: jax.nn.softmax(x, where=mask)),
    "log_softmax": ("gy_minus_ys", lambda x, mask: jnp.exp(jax.nn.log_softmax(x))),
    "online": ("gy_minus_ys", lambda x, mask: online(x, False)),
    "online_guarded": ("gy_minus_ys", lambda x, mask: online(x, True)),
}
ROWS = [("partial", "-1e4"), ("partial", "-inf"), ("above_pad", "-1e4"), ("all_masked", "-1e4"), ("all_masked", "-inf")]


def forward_word(weights, pooled, mask):
    seen = np.append(weights, pooled)
    if np.isnan(seen).any():
        return "NaN"
    if np.isinf(seen).any():
        return "Inf"
    if not weights.any():
        return "all 0"
    if not mask.any():
        return "uniform" if (weights == weights[0]).all() else "weighs pads"
    if weights[~mask].any():
        return "leak"
    return "sum < 1" if abs(1 - weights.sum()) > 2**-20 else "pad 0"


def gradient_word(slopes, of_values, mask):
    seen = np.append(slopes, of_values[mask])
    if np.isnan(seen).any():
        return "NaN"
    if np.isinf(seen).any():
        return "Inf"
    if slopes[~mask].any():
        return "pads move"
    return "finite" if seen.any() else "0"


@pytest.mark.parametrize("pad_kv", ("data", "nan", "inf"))
@pytest.mark.parametrize("row, pad", ROWS)
@pytest.mark.parametrize("formula", FORMULAS)
def test_decision_table(formula, row, pad, pad_kv):
    vjp, weigh = FORMULAS[formula]
    rng = np.random.default_rng((SEED, len(formula)))
    tokens = rng.standard_normal(PADS) * (0.5 if row == "above_pad" else 1.5) + (-9990 if row == "above_pad" else 0)
    mask = np.repeat([False, row != "all_masked"], PADS)
    x = jnp.where(mask, np.concatenate([tokens, tokens]), float(pad)).astype(jnp.float32)
    kv = rng.standard_normal(2 * PADS).astype(np.float32)
    if pad_kv != "data":
        kv[~mask] = float(pad_kv)

    def pool(x, kv):
        return (weigh(x, jnp.asarray(mask)) * kv).sum()

    slopes, of_values = (np.asarray(grad) for grad in jax.grad(pool, (0, 1))(x, jnp.asarray(kv)))
    weights = np.asarray(weigh(x, jnp.asarray(mask)))
    theirs = forward_word(weights, np.asarray(pool(x, kv)), mask), gradient_word(slopes, of_values, mask)
    (cell,) = us.study("pads", softmax=formula.strip(), row=row, pad_gate=pad, pad_kv=pad_kv, vjp=vjp).cells
    assert (cell["forward"], cell["gradient"]) == theirs
