# SPDX-License-Identifier: Apache-2.0
"""What `make` draws is what jax.random draws, bit for bit: input i from fold_in(key(seed), i), scaled and rounded in fp32."""

import os

import pytest

os.environ.setdefault("JAX_PLATFORMS", "cpu")
jax = pytest.importorskip("jax")
np = pytest.importorskip("numpy")
us = pytest.importorskip("ulpscope")
import jax.numpy as jnp  # noqa: E402
from conftest import SEED  # noqa: E402

INPUTS = ("hidden", "w_kv", "w_gate", "ape", "gamma", "cotangent")
ROUNDED = ("hidden", "w_kv", "w_gate", "cotangent")
# Preset, sizes and spreads, seed; None: this run's own. Seeds beyond 32 bits are keys of JAX with 64-bit types.
CASES = {
    "flash-csa": ("v4-flash-csa", {"seq": 23, "hidden": 40}, 0),
    "flash-indexer": ("v4-flash-indexer", {"batch": 3, "seq": 41, "hidden": 64}, 2**32 - 1),
    "pro-hca": ("v4-pro-hca", {"seq": 130, "hidden": 56}, 2**40 + 3),
    "this run": ("small-hca", {"hidden": 17, "seq": 140, "gate_sigma": 12, "ape_sigma": 3}, None),
}


def key_of(seed):
    with jax.enable_x64(seed >= 2**32):
        return jax.random.key(seed)


def expected(name, stream, shape, scale):
    normal = jax.random.normal(stream, shape, jnp.float32)
    values = 1 + jnp.float32(0.1) * normal if name == "gamma" else jnp.float32(scale) * normal
    return np.asarray(values.astype(jnp.bfloat16).astype(jnp.float32) if name in ROUNDED else values)


@pytest.mark.parametrize("case", CASES)
def test_inputs_are_those_of_jax(case):
    preset, options, seed = CASES[case]
    seed = SEED if seed is None else seed
    problem = us.Problem.make(preset, seed=seed, **options)
    root = np.sqrt(problem.config["hidden"])
    scales = {
        "w_kv": 1 / root,
        "w_gate": options.get("gate_sigma", 1.5) / root,
        "ape": options.get("ape_sigma", 0.5),
    }
    assert set(INPUTS) == set(problem)
    for index, name in enumerate(INPUTS):
        ours = problem[name]
        theirs = expected(name, jax.random.fold_in(key_of(seed), index), ours.shape, scales.get(name, 1))
        np.testing.assert_array_equal(ours.view(np.int32), theirs.view(np.int32), err_msg=f"{name}, seed {seed}")
