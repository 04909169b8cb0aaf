# SPDX-License-Identifier: Apache-2.0
"""Formulas of the softmax, alive: the decision table of pads against JAX's autodiff, and exp(x) / sum exp(x) over all its bands against
JAX, which flushes subnormal numbers on a CPU, and PyTorch, which keeps them."""

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


def by_recipe(*settings):
    """Weights and gradients of four equal logits, [logits, 4], in recipe fp32 with these settings."""
    count = len(LOGITS)
    config = {"mode": "hca", "ratio": 4, "batch": 1, "seq": 4, "hidden": 2, "head_dim": count, "norm": False, "rope": None}
    zero, one = np.zeros(count, np.float32), np.ones(count, np.float32)
    problem = us.Problem(
        config,
        hidden=np.stack([np.ones(4, np.float32), COTANGENT], 1)[None],
        w_gate=np.stack([LOGITS, zero], 1),
        w_kv=np.stack([zero, one], 1),  # so that the cotangent of a weight is COTANGENT
        ape=np.zeros((4, count), np.float32),
        gamma=one,
        cotangent=np.ones((1, 1, count), np.float32),
    )
    recipe = us.Recipe("fp32").with_("softmax=naive")
    for setting in settings:
        recipe = recipe.with_(setting)
    run = us.run(problem, recipe)
    return np.asarray(run["weights"])[0, 0].T, np.asarray(run["grad.logits"])[0, 0].T


def naive(x, axis):
    e = jnp.exp(x)
    return e / e.sum(axis, keepdims=True)


def test_bands_of_jax():
    logits = jnp.repeat(LOGITS[:, None], 4, axis=1)
    theirs = np.asarray(naive(logits, 1))
    slopes = np.asarray(jax.grad(lambda x: (naive(x, 1) * COTANGENT).sum())(logits))
    # XLA divides by multiplying with the reciprocal, which is 0 where the sum is beyond 2^126.
    flushed = "default=fp32:ftz:daz", "softmax.exp=xla_cpu", "softmax.division=reciprocal"
    weights, gradients = by_recipe("softmax.vjp=autodiff:jax_div", *flushed)
    np.testing.assert_array_equal(classes(weights), classes(theirs))
    np.testing.assert_array_equal(classes(gradients), classes(slopes))
    finite = np.isfinite(slopes)
    assert finite.sum() > len(LOGITS)
    # Gradients that have lost a term of their mean are as wrong here as there: a term is 1/64 of these numbers or more.
    np.testing.assert_allclose(gradients[finite], slopes[finite], rtol=0, atol=2**-20)


def test_bands_of_pytorch():
    logits = torch.from_numpy(LOGITS)[:, None].repeat(1, 4).requires_grad_()
    e = torch.exp(logits)
    theirs = e / e.sum(1, keepdim=True)
    theirs.backward(torch.from_numpy(COTANGENT).expand_as(theirs))
    weights, gradients = by_recipe("softmax.vjp=autodiff:torch_div")
    np.testing.assert_array_equal(classes(weights), classes(theirs.detach()))
    np.testing.assert_array_equal(classes(gradients), classes(logits.grad))


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
