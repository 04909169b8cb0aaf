# SPDX-License-Identifier: Apache-2.0
"""The orders in which PyTorch sums fp32 on an x86-64 CPU, one thread: the summations `torch_rows` and `torch_channels`, apart.

A sum over rows takes channels in groups of 32 (4 vectors of 8) and adds each channel's rows in a cascade: blocks of 16, those
in turn. Channels beyond the last full group, alone or in vectors, add every fourth row, and the four sums then. A sum along
channels adds every fourth vector of 8, the four sums, and then the lanes, after the channels beyond the last full vector.
bf16 sums have the same orders in fp32, and one cast; but a vector of bf16 has 16 elements: narrower rows have groups of 4.
Rows of a single channel lie side by side: their sum is one along them, of pairs of fp32 vectors where they are bf16.
"""

import numpy as np

VECTOR = 8
WIDEST = {"float32": VECTOR, "bfloat16": 2 * VECTOR}  # elements of a vector as they lie in memory
ROWS = 4
LEVELS = 4


def _ceil_log2(n):
    return (n - 1).bit_length() if n > 1 else 0


def cascade(x):
    """Sum of x over its first axis: blocks, blocks of blocks, what is left."""
    power = max(4, _ceil_log2(len(x)) // LEVELS)
    levels = [np.zeros(x.shape[1:], np.float32) for _ in range(LEVELS)]
    full = len(x) >> power << power
    for i in range(full):
        levels[0] = levels[0] + x[i]
        for level in range(1, LEVELS):
            if (i + 1) & ((1 << level * power) - 1):
                break
            levels[level] = levels[level] + levels[level - 1]
            levels[level - 1] = np.zeros_like(levels[0])
    for row in x[full:]:
        levels[0] = levels[0] + row
    return levels[0] + levels[1] + levels[2] + levels[3]


def interleaved(x):
    """Sum of x over its first axis: four cascades of every fourth, what is left joins the first."""
    full = len(x) // ROWS * ROWS
    partial = cascade(x[:full].reshape(full // ROWS, ROWS, *x.shape[1:]))
    total = partial[0]
    for row in x[full:]:
        total = total + row
    for row in partial[1:]:
        total = total + row
    return total


def over_rows(x, dtype="float32"):
    """Sum of x [rows, channels] over its rows; x is float32 and lay in memory as `dtype`."""
    channels = x.shape[1]
    if channels == 1:
        return np.array([along(x[:, 0], dtype)], np.float32)
    group = ROWS * VECTOR if channels >= WIDEST[dtype] else ROWS
    full = channels // group * group
    return np.concatenate([cascade(x[:, :full]), interleaved(x[:, full:])])


def along(x, dtype="float32"):
    """Sum of x [channels]; x is float32 and lay in memory as `dtype`. A vector of bf16 is two of fp32, added first."""
    widest = WIDEST[dtype]
    if len(x) < widest:
        return interleaved(x)
    full = len(x) // widest * widest
    vectors = x[:full].reshape(full // widest, widest // VECTOR, VECTOR)
    total = np.float32(0)
    for value in x[full:]:
        total = total + value
    for value in interleaved(vectors[:, 0] if widest == VECTOR else vectors[:, 0] + vectors[:, 1]):
        total = total + value
    return total
