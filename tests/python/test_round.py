# SPDX-License-Identifier: Apache-2.0
"""Rounding of arrays, against other people's casts."""

import ml_dtypes
import numpy as np
import pytest

import ulpscope as us

CASTS = {
    "bf16": ml_dtypes.bfloat16,
    "fp16": np.float16,
    "e4m3fn": ml_dtypes.float8_e4m3fn,
    "e5m2": ml_dtypes.float8_e5m2,
    "fp32": np.float32,
}


def floats():
    bits = np.random.default_rng(5).integers(0, 1 << 32, 1 << 16, dtype=np.uint32)
    return bits.view(np.float32)


@pytest.mark.parametrize("name", CASTS)
def test_casts_agree(name):
    values = floats()
    with np.errstate(all="ignore"):
        cast = values.astype(CASTS[name]).astype(np.float32)
    assert np.array_equal(us.round(values, name), cast, equal_nan=True)


def test_the_shape_and_the_carrier_stay():
    values = floats()[:24].reshape(2, 3, 4)
    assert us.round(values, "bf16").shape == (2, 3, 4)
    assert us.round(values, "bf16").dtype == np.float32
    assert us.round(values.astype(np.float64), "bf16").dtype == np.float64
    assert us.round(values[:, ::-1].T, "bf16").shape == (4, 3, 2)
    assert us.round(np.zeros((0, 3), np.float32), "bf16").shape == (0, 3)
    assert us.round(1.2345, "bf16") == 1.234375
    assert us.round([1, 257], "bf16").tolist() == [1, 256]
    assert us.round(np.float16(1.2345), "e4m3fn") == 1.25


def test_out_takes_the_result_even_in_place():
    values = floats()
    expected = us.round(values, "bf16")
    out = np.empty_like(values)
    assert us.round(values, "bf16", out=out) is out
    assert np.array_equal(out, expected, equal_nan=True)
    assert us.round(values, "bf16", out=values) is values
    assert np.array_equal(values, expected, equal_nan=True)


def test_an_out_that_does_not_fit_is_refused():
    values = np.ones(8, np.float32)
    read_only = np.empty(8, np.float32)
    read_only.flags.writeable = False
    bad = [np.empty(7, np.float32), np.empty(8), np.empty((8, 1), np.float32), np.empty(16, np.float32)[::2], read_only, [0]]
    for out in bad:
        with pytest.raises(us.Error, match="`out` must be a writeable C-contiguous float32 array of shape"):
            us.round(values, "bf16", out=out)
    memory = np.ones(9, np.float32)
    with pytest.raises(us.Error, match="overlaps"):
        us.round(memory[:-1], "bf16", out=memory[1:])
    assert (memory == 1).all()


def test_large_arrays_are_rounded_as_small_ones():
    values = np.tile(floats(), 65)[: (1 << 22) + 12345]
    whole = us.round(values, "e5m2")
    assert np.array_equal(whole[-12345:], us.round(values[-12345:].copy(), "e5m2"), equal_nan=True)


def test_an_unknown_format_is_refused():
    with pytest.raises(us.Error, match="bf17"):
        us.round(1.0, "bf17")
