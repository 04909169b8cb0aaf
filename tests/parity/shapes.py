# SPDX-License-Identifier: Apache-2.0
"""Fresh random problems: what ten shapes of a run are drawn from."""

import functools
import os
import random
import time
from dataclasses import dataclass

COUNT = 10
KINDS = ("csa", "hca", "indexer")
ROPES = ("yarn", "plain", None)
YARN = {"factor": 16, "original": 65536, "beta_fast": 32, "beta_slow": 1}
ROPE_DIMS = (*range(2, 34, 2), 48, 64, 66, 80, 96, 100, 128, 160)  # below and beyond 64 their powers are others
THETAS = (10000, 160000)
TOKENS = 1200  # a run of ten shapes takes seconds
USUAL_GATES = (1.5, 0.5)  # spreads of gates and of ape
SATURATED_GATES = (12.0, 3.0)
GROUP = 32  # channels that PyTorch's CPU sums take together (torch_orders.py): others are drawn for their orders and exp


def run_seed():
    """The seed of this run: ULPSCOPE_PARITY_SEED, or the clock."""
    return int(os.environ.get("ULPSCOPE_PARITY_SEED") or time.time_ns() % 10**9)


@dataclass(frozen=True, eq=False)
class Shape:
    """What to draw a problem from, and the module that runs it."""

    kind: str
    config: dict
    seed: int
    gate_sigma: float
    ape_sigma: float


def _rope_of(index):
    return ROPES[index // len(KINDS) % len(ROPES)]


def _head_dim(rng, index):
    """Full groups for four of ten shapes; else any width, alone or after full groups: odd or 1 only without RoPE."""
    if index % 5 < 2:
        return GROUP * rng.randint(1, 4)
    even = (2 * rng.randint(1, 8), 16 * rng.randint(1, 7), 2 * rng.randint(8, 80))
    if _rope_of(index) is None:
        return rng.choice((1, 2 * rng.randint(1, 80) + 1, *even))
    return rng.choice(even)


def _rope(rng, index, head_dim):
    rope = _rope_of(index)
    if rope is None:
        return None
    dim = rng.choice([dim for dim in ROPE_DIMS if dim <= head_dim])
    return {"dim": dim, "theta": rng.choice(THETAS), "yarn": YARN if rope == "yarn" else None}


@functools.lru_cache(maxsize=None)
def draw(seed, index):
    """Shape `index` of the run `seed`: all kinds, ropes and remainders come up in ten, and B goes from 1 to 16."""
    rng = random.Random(f"{seed}/{index}")
    kind = KINDS[index % len(KINDS)]
    ratio = rng.choice((128, 128, 8, 40)) if kind == "hca" else 4
    batch = (1, 16)[index] if index < 2 else rng.randint(1, 16)
    windows = rng.randint(1, max(1, min(40, TOKENS // (batch * ratio))))
    remainder = 0 if index % 4 == 0 else rng.randint(1, ratio - 1)
    head_dim = _head_dim(rng, index)
    saturated = rng.random() < 0.4
    config = {
        "mode": "hca" if kind == "hca" else "csa",
        "ratio": ratio,
        "batch": batch,
        "seq": windows * ratio + remainder,
        "hidden": rng.choice((rng.randint(1, 96), 16 * rng.randint(1, 8))),
        "head_dim": head_dim,
        "rope": _rope(rng, index, head_dim),
    }
    return Shape(kind, config, rng.randrange(1 << 31), *(SATURATED_GATES if saturated else USUAL_GATES))
