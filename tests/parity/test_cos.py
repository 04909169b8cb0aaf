# SPDX-License-Identifier: Apache-2.0
"""Whose cos and sin PyTorch's fp32 RoPE tables hold: those of Intel's MKL, bit for bit, an ulp from the correctly rounded ones."""

import ctypes
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch")

LIBRARY = Path(torch.__file__).parent / "lib" / "libtorch_cpu.so"
FUNCTIONS = {"cos": "VMSCOS_", "sin": "VMSSIN_"}  # of a vector, Fortran's calls: what the library shows of its MKL
HIGH_ACCURACY = 2  # VML_HA
COUNT = 1 << 20


def angles():
    """Angles of every size that positions have, 0 to 2^20 radians, and every pattern of a float."""
    rng = np.random.default_rng(30)
    sizes = np.exp2(rng.uniform(-24, 20, COUNT // 2)).astype(np.float32)
    patterns = rng.integers(0, 1 << 32, COUNT // 2, dtype=np.uint32).view(np.float32)
    return np.concatenate((sizes, patterns))


def of_torch(name, x):
    return getattr(torch, name)(torch.from_numpy(x)).numpy()


def of_mkl(name, x):
    try:
        function = getattr(ctypes.CDLL(str(LIBRARY)), FUNCTIONS[name])
    except (OSError, AttributeError):
        pytest.skip("this PyTorch has no MKL that can be called")
    out = np.empty_like(x)
    count, mode = ctypes.c_int(len(x)), ctypes.c_longlong(HIGH_ACCURACY)
    function(ctypes.byref(count), x.ctypes.data_as(ctypes.c_void_p), out.ctypes.data_as(ctypes.c_void_p), ctypes.byref(mode))
    return out


def correctly_rounded(name, x):
    """From fp64, whose own error of an ulp decides none of these roundings but one in 2^28."""
    return getattr(np, name)(x.astype(np.float64)).astype(np.float32)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cos_and_sin_are_mkl_s_to_the_bit(name):
    x = angles()
    assert np.array_equal(of_torch(name, x), of_mkl(name, x), equal_nan=True)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_cos_and_sin_are_an_ulp_from_the_correctly_rounded_ones_at_most(name):
    x = angles()
    x = x[np.isfinite(x) & (np.abs(x) < 1 << 20)]
    theirs, nearest = of_torch(name, x), correctly_rounded(name, x)
    away = theirs != nearest
    assert bool((theirs[away] == np.nextafter(nearest[away], theirs[away])).all())
    usual = (np.abs(x) > 1) & (np.abs(x) < 10000)
    assert 0 < away[usual].mean() < 0.1  # 5% on AVX-512: no recipe has their bits
