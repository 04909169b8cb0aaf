# SPDX-License-Identifier: Apache-2.0
"""What PyTorch's bf16 matrix products do to subnormal numbers: a table of its own, and recipe hf's bits of it."""

import itertools
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")
us = pytest.importorskip("ulpscope")
import hugging_face  # noqa: E402
import machine  # noqa: E402

# oneDNN computes products of more multiplications than this; PyTorch's own loops, which keep subnormals, the others.
MOST_OF_ITS_OWN = 16**3
CPU = Path("/proc/cpuinfo")
has_instruction = CPU.exists() and "avx512_bf16" in CPU.read_text() and torch.backends.mkldnn.is_available()
pytestmark = pytest.mark.skipif(not has_instruction, reason="no bf16 dot product instruction, or no oneDNN")

LEAST = 2.0**-126  # normal number, of bf16 and fp32 alike
# name -> (first factors, second factors, whether a product of oneDNN's keeps it). Each sum is LEAST / 16 or far beyond LEAST.
CASES = {
    "subnormal product": ((2.0**-70,), (2.0**-60,), False),
    "subnormal sum": ((1.0625 * 2.0**-63, -(2.0**-63)), (2.0**-63, 2.0**-63), False),
    "normal sum of subnormal products": ((2.0**-64, 2.0**-64), (2.0**-63, 2.0**-63), False),
    "subnormal first factor": ((LEAST / 16,), (2.0**20,), False),
    "subnormal second factor": ((2.0**20,), (LEAST / 16,), False),
    "normal": ((2.0**-60,), (2.0**-60,), True),
}
SHAPES = ((64, 2, 65), (206, 2, 128), (17, 33, 16), (1, 64, 96), (300, 16, 1))
SMALL_SHAPES = ((1, 2, 1), (16, 16, 16), (8, 32, 16))


def forward(first, second):
    return torch.nn.functional.linear(first[None], second.T.contiguous())[0]


def gradient_of_weights(first, second):
    weights = torch.zeros(first.shape[0], second.shape[1], dtype=torch.bfloat16, requires_grad=True)
    torch.nn.functional.linear(second[None], weights).backward(first.T.contiguous()[None])
    return weights.grad


def gradient_of_hidden(first, second):
    hidden = torch.zeros(1, first.shape[0], second.shape[1], dtype=torch.bfloat16, requires_grad=True)
    torch.nn.functional.linear(hidden, second).backward(first[None])
    return hidden.grad[0]


def factors(case, shape):
    """Bf16 matrices whose every dot product is the case's, between zeros."""
    rows, depth, columns = shape
    first, second = torch.zeros(rows, depth), torch.zeros(depth, columns)
    for k, (a, b) in enumerate(zip(*CASES[case][:2], strict=True)):
        first[:, k], second[k, :] = a, b
    return first.to(torch.bfloat16), second.to(torch.bfloat16)


def is_kept(product, case, shape):
    first, second = factors(case, shape)
    exact = (first.double() @ second.double()).to(torch.bfloat16)
    assert bool((exact != 0).all())
    with hugging_face.one_thread():
        out = product(first, second)
    assert torch.equal(out, exact) or not bool(out.any())
    return bool(out.any())


@pytest.mark.parametrize("product", (forward, gradient_of_weights, gradient_of_hidden))
def test_large_products_flush_factors_and_sums_below_the_least_normal_number(product):
    for case, shape in itertools.product(CASES, SHAPES):
        assert is_kept(product, case, shape) == CASES[case][2], (case, shape)


@pytest.mark.parametrize("product", (forward, gradient_of_weights, gradient_of_hidden))
def test_small_products_keep_subnormal_numbers(product):
    for case, shape in itertools.product(CASES, SMALL_SHAPES):
        assert is_kept(product, case, shape), (case, shape)


def random_near_the_least(rng, *shape):
    """Bf16 numbers from 2^-20 of the least normal one up to 2^20 of it, and few enough others to leave sums there."""
    values = np.exp2(rng.uniform(-20, 20, shape) - 126) * rng.choice((-1, 1), shape)
    return torch.from_numpy(values).to(torch.bfloat16)


def test_recipe_hf_flushes_what_they_flush():
    """Dot products of one number each, at every pair of sizes around the least normal number."""
    rng = np.random.default_rng(20)
    tokens, hidden, head_dim = 512, 1, 16
    config = {"mode": "hca", "ratio": 8, "batch": 1, "seq": tokens, "hidden": hidden, "head_dim": head_dim}
    small = random_near_the_least(rng, 1, tokens, hidden)
    weights = torch.from_numpy(np.exp2(rng.uniform(-8, 8, (head_dim, hidden)))).to(torch.bfloat16)
    problem = us.Problem.make(config, seed=1)
    arrays = {name: np.array(array) for name, array in problem.items()}
    arrays["hidden"], arrays["w_kv"] = small.float().numpy(), weights.float().numpy()
    ours = us.run(us.Problem(problem.config, **arrays), machine.recipe("hf"), gradients=False)["kv"]
    assert tokens * hidden * head_dim > MOST_OF_ITS_OWN
    theirs = torch.nn.functional.linear(small, weights)
    exact = small.double() @ weights.double().T
    assert int(((theirs == 0) & (exact.abs() >= LEAST)).sum()) > 100  # flushed factors
    assert int(((theirs == 0) & (exact.abs() < LEAST)).sum()) > 100
    assert int((theirs != 0).sum()) > 100
    assert torch.equal(torch.from_numpy(np.array(ours)).double(), theirs.double())
