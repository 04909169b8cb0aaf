# SPDX-License-Identifier: Apache-2.0
"""Arrays cross without a copy where their memory can be read in place, and by value where it cannot."""

import gc

import ml_dtypes
import numpy as np
import pytest

import ulpscope as us

CONFIG = {"mode": "csa", "batch": 1, "seq": 8, "hidden": 4, "head_dim": 2}
SHAPES = {"hidden": (1, 8, 4), "w_kv": (4, 4), "w_gate": (4, 4), "ape": (4, 4), "gamma": (2,), "cotangent": (1, 2, 2)}


def arrays(dtype=np.float32):
    rng = np.random.default_rng(1)
    return {name: rng.standard_normal(shape).astype(dtype) for name, shape in SHAPES.items()}


def with_hidden(hidden, **options):
    return us.Problem(CONFIG, **{**arrays(), "hidden": hidden}, **options)


def address(array):
    return array.__array_interface__["data"][0]


class Interface:
    """An array of somebody who is not numpy."""

    def __init__(self, array):
        self.kept = array
        self.__array_interface__ = array.__array_interface__


class Dlpack:
    def __init__(self, array):
        self.kept = array

    def __dlpack__(self, **options):
        return self.kept.__dlpack__(**options)

    def __dlpack_device__(self):
        return self.kept.__dlpack_device__()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_contiguous_floats_are_read_in_place(dtype):
    inputs = arrays(dtype)
    problem = us.Problem(CONFIG, **inputs)
    for name, array in inputs.items():
        assert address(problem[name]) == address(array), name
        assert problem[name].dtype == dtype


@pytest.mark.parametrize("wrap", [memoryview, Interface, Dlpack])
def test_other_makers_memory_is_read_in_place(wrap):
    hidden = arrays()["hidden"]
    assert address(with_hidden(wrap(hidden))["hidden"]) == address(hidden)


def test_a_read_only_array_is_read_in_place():
    hidden = arrays()["hidden"]
    hidden.flags.writeable = False
    assert address(with_hidden(hidden)["hidden"]) == address(hidden)


def test_a_problem_keeps_its_arrays_alive_and_lets_them_go():
    class Watched(np.ndarray):
        alive = 0

        def __del__(self):
            Watched.alive -= 1

    hidden = arrays()["hidden"].view(Watched)
    Watched.alive = 1
    expected = hidden.tolist()
    problem = with_hidden(hidden)
    view = problem["hidden"]
    del hidden
    gc.collect()
    assert problem["hidden"].tolist() == expected
    del problem
    gc.collect()
    assert view.tolist() == expected
    del view
    gc.collect()
    assert Watched.alive == 0


def layouts(array):
    """The same values in memory that cannot be read in place."""
    strided = np.zeros(array.shape + (2,), array.dtype)[..., 0]
    strided[...] = array
    bytes_ = np.zeros(array.nbytes + 1, np.uint8)
    unaligned = np.ndarray(array.shape, array.dtype, bytes_.data, offset=1)
    unaligned[...] = array
    return {
        "fortran": np.asfortranarray(array),
        "strided": strided,
        "reversed": array[:, ::-1][:, ::-1].copy()[:, ::-1],
        "swapped": array.astype(array.dtype.newbyteorder(">")),
        "unaligned": unaligned,
    }


def test_layouts_that_cannot_be_read_in_place_are_copied():
    hidden = arrays()["hidden"]
    for name, layout in layouts(hidden).items():
        expected = hidden[:, ::-1] if name == "reversed" else hidden
        assert np.array_equal(with_hidden(layout)["hidden"], expected), name


@pytest.mark.parametrize("dtype", [ml_dtypes.bfloat16, np.float16])
def test_small_floats_are_widened_exactly(dtype):
    hidden = arrays()["hidden"].astype(dtype)
    assert np.array_equal(with_hidden(hidden)["hidden"], hidden.astype(np.float32))


def test_a_masked_element_has_no_value_to_read():
    given = arrays()
    masked = np.ma.masked_array(given["ape"], mask=np.zeros_like(given["ape"], bool))
    assert np.array_equal(us.Problem(CONFIG, **{**given, "ape": masked})["ape"], given["ape"])
    masked[0, 0] = np.ma.masked
    with pytest.raises(us.Error, match="ape: a masked array"):
        us.Problem(CONFIG, **{**given, "ape": masked})
    assert us.Problem(CONFIG, **{**given, "ape": masked.filled(2)})["ape"][0, 0] == 2


def test_bits_of_bf16_in_integers_are_named():
    hidden = arrays()["hidden"].astype(ml_dtypes.bfloat16)
    problem = with_hidden(hidden.view(np.uint16), dtypes={"hidden": "bf16"})
    assert np.array_equal(problem["hidden"], hidden.astype(np.float32))
    assert problem.sha256 == with_hidden(hidden).sha256
    with pytest.raises(us.Error, match="'hidden' must be F64, F32, F16 or BF16, found U16"):
        with_hidden(hidden.view(np.uint16))


def test_fp8_slots_are_judged():
    problem = us.Problem(CONFIG, **arrays())
    run = us.run(problem, us.Recipe("fp32").with_("softmax.storage=e4m3fn"))
    weights = run["weights"]
    assert run.formats["weights"] == "e4m3fn"
    dump = {name: run[name] for name in ("logits", "softmax")}
    dump["weights"] = weights.astype(ml_dtypes.float8_e4m3fn)
    assert np.array_equal(dump["weights"].astype(np.float32), weights)
    assert us.compare(problem, dump, run.recipe).ok


def test_masks_and_ids_are_integers_of_any_width():
    mask = np.ones((1, 8))
    for dtype in (bool, np.uint8, np.int8, np.int16, np.int32, np.uint32, np.int64):
        problem = us.Problem(CONFIG, **arrays(), attention_mask=mask.astype(dtype))
        assert problem["attention_mask"].sum() == 8
    with pytest.raises(us.Error, match="'attention_mask' must be BOOL, U8, I32 or I64"):
        us.Problem(CONFIG, **arrays(), attention_mask=mask)


def test_slots_are_views_of_the_runs_own_memory(problem):
    run = us.run(problem, "hf")
    first, second = run["weights"], run["weights"]
    assert address(first) == address(second)
    assert not first.flags.writeable and not first.flags.owndata
    with pytest.raises(ValueError):
        first.flags.writeable = True
    with pytest.raises(ValueError):
        first[...] = 0
    kept = first.copy()
    del run, second
    gc.collect()
    us.run(problem, "fp32")
    assert np.array_equal(first, kept)


def test_a_run_is_compared_in_place_of_its_file(problem, run, tmp_path):
    run.write(tmp_path / "dump.safetensors")
    rows = us.compare(problem, run).rows
    assert rows == us.compare(problem, tmp_path / "dump.safetensors").rows
    assert [row["slot"] for row in rows if row["status"] == "ok"] == run.slots
