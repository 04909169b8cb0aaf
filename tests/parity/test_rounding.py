# SPDX-License-Identifier: Apache-2.0
"""ulpscope.round against the casts of ml_dtypes and torch: 2^22 stratified fp32 inputs, every pattern of 8 and 16 bits.

Values, signs of zeros and NaN have to agree; the payload and sign of a NaN are nobody's promise. One rule apart:
torch's e4m3fn saturates, infinities too (`e4m3fn:sat`), where the format, and ml_dtypes, give NaN beyond 464.
"""

import pytest

np = pytest.importorskip("numpy")
ml_dtypes = pytest.importorskip("ml_dtypes")
us = pytest.importorskip("ulpscope")
from conftest import SEED  # noqa: E402

FORMATS = {
    "bf16": (ml_dtypes.bfloat16, "bfloat16"),
    "fp16": (np.float16, "float16"),
    "e4m3fn": (ml_dtypes.float8_e4m3fn, "float8_e4m3fn"),
    "e5m2": (ml_dtypes.float8_e5m2, "float8_e5m2"),
}
TORCH_SATURATES = ("e4m3fn",)
STRATA = 1 << 22
LOW = 10  # bits of an fp32 that a stratum leaves open


def patterns(dtype):
    """Every value of a type of at most 16 bits, as that type."""
    bits = np.arange(1 << 8 * np.dtype(dtype).itemsize, dtype=f"u{np.dtype(dtype).itemsize}")
    return bits.view(dtype)


def stratified():
    """An fp32 of each of 2^22 strata: its first number, its last, its middle, one beside, or any, by the seed."""
    rng = np.random.default_rng(SEED)
    top = (1 << LOW) - 1
    low = np.select([rng.integers(0, 8, STRATA) == i for i in range(4)], [0, 1, top, 1 << LOW - 1], rng.integers(0, top, STRATA))
    return (np.arange(STRATA, dtype=np.uint32) << LOW | low.astype(np.uint32)).view(np.float32)


def everything():
    """Stratified fp32 and every value of every narrow type."""
    narrow = [patterns(dtype).astype(np.float32) for dtype, _ in FORMATS.values()]
    return np.concatenate([stratified(), *narrow])


@pytest.fixture(scope="module")
def inputs():
    return everything()


def check_same(ours, theirs, given):
    """Values and signs, NaN anywhere in the same places."""
    bits = [np.where(np.isnan(x), np.uint32(0x7FC00000), x.view(np.uint32)) for x in (ours, theirs)]
    wrong = np.flatnonzero(bits[0] != bits[1])
    shown = [f"{float(given[i]).hex()}: {ours[i]!r}, theirs {theirs[i]!r}" for i in wrong[:3]]
    assert not wrong.size, f"{wrong.size} of {given.size} differ; {shown}; ULPSCOPE_PARITY_SEED={SEED}"


def cast_by_ml_dtypes(values, dtype):
    with np.errstate(all="ignore"):
        return values.astype(dtype).astype(np.float32)


@pytest.mark.parametrize("name", FORMATS)
def test_ml_dtypes_rounds_alike(name, inputs):
    check_same(us.round(inputs, name), cast_by_ml_dtypes(inputs, FORMATS[name][0]), inputs)


@pytest.mark.parametrize("name", FORMATS)
def test_torch_rounds_alike_but_saturates_e4m3fn(name, inputs):
    torch = pytest.importorskip("torch")
    theirs = torch.from_numpy(inputs).to(getattr(torch, FORMATS[name][1])).float().numpy()
    check_same(us.round(inputs, f"{name}:sat" if name in TORCH_SATURATES else name), theirs, inputs)
    strict = us.round(inputs, name)
    beyond = np.isnan(strict) & ~np.isnan(inputs)
    assert beyond.any() == (name in TORCH_SATURATES)
    assert (np.abs(inputs[beyond]) > 464).all() and (np.abs(theirs[beyond]) == 448).all()


@pytest.mark.parametrize("name", FORMATS)
def test_every_value_of_a_format_is_kept(name):
    """Taken as an array of ml_dtypes' type, and as a tensor of torch's."""
    dtype, torch_dtype = FORMATS[name]
    values = patterns(dtype)
    widened = values.astype(np.float32)
    check_same(us.round(values, name), widened, widened)
    torch = pytest.importorskip("torch")
    theirs = torch.from_numpy(values.view("i2" if values.itemsize == 2 else "u1")).view(getattr(torch, torch_dtype))
    check_same(us.round(theirs, name), widened, widened)


@pytest.mark.parametrize("name", FORMATS)
def test_doubles_round_once(name):
    """fp64 inputs an ulp of fp64 beside a tie: by way of fp32 they would fall on it."""
    dtype = FORMATS[name][0]
    values = patterns(dtype).astype(np.float32)
    values = np.unique(values[np.isfinite(values)]).astype(np.float64)
    middle = (values[1:] + values[:-1]) / 2
    for beside, nearest in ((np.nextafter(middle, np.inf), values[1:]), (np.nextafter(middle, -np.inf), values[:-1])):
        assert np.array_equal(us.round(beside, name), nearest)
