# SPDX-License-Identifier: Apache-2.0
"""Arrays of PyTorch and JAX (the extra `parity`), by address where they can be read in place."""

import numpy as np
import pytest

import ulpscope as us
from test_arrays import CONFIG, address, arrays


def test_torch_tensors_are_read_in_place():
    torch = pytest.importorskip("torch")
    tensors = {name: torch.from_numpy(array) for name, array in arrays().items()}
    problem = us.Problem(CONFIG, **tensors)
    assert all(address(problem[name]) == tensors[name].data_ptr() for name in tensors)
    parameters = {name: torch.nn.Parameter(tensor) for name, tensor in tensors.items()}
    assert address(us.Problem(CONFIG, **parameters)["ape"]) == tensors["ape"].data_ptr()


def test_torch_bf16_and_masks_cross_by_value():
    torch = pytest.importorskip("torch")
    tensors = {name: torch.from_numpy(array).to(torch.bfloat16) for name, array in arrays().items()}
    mask = torch.ones(1, 8, dtype=torch.bool)
    problem = us.Problem(CONFIG, **tensors, attention_mask=mask)
    assert all(np.array_equal(problem[name], tensors[name].float().numpy()) for name in tensors)
    assert problem["attention_mask"].all()
    assert us.round(tensors["ape"], "e4m3fn").tolist() == us.round(problem["ape"], "e4m3fn").tolist()
    strided = torch.from_numpy(arrays()["w_kv"]).t()
    assert np.array_equal(us.Problem(CONFIG, **{**arrays(), "w_kv": strided})["w_kv"], strided.numpy())


def test_a_negated_view_of_torch_is_negative():
    torch = pytest.importorskip("torch")
    ape = torch.from_numpy(arrays()["ape"])
    negated = torch.complex(ape, ape).conj().imag
    assert negated.is_neg()
    assert np.array_equal(us.Problem(CONFIG, **{**arrays(), "ape": negated})["ape"], -ape.numpy())


def test_torch_fp8_is_judged():
    torch = pytest.importorskip("torch")
    recipe = us.Recipe("fp32").with_("softmax.storage=e4m3fn")
    run = us.run(us.Problem(CONFIG, **arrays()), recipe)
    weights = torch.from_numpy(np.array(run["weights"])).to(torch.float8_e4m3fn)
    assert us.compare(run.problem, {"softmax": run["softmax"], "weights": weights}, recipe).ok


def test_torch_tensors_that_cannot_be_read_are_refused():
    torch = pytest.importorskip("torch")
    shape = (1, 8, 4)
    for bad in (torch.zeros(shape, dtype=torch.complex64), torch.eye(4).to_sparse(), torch.zeros(shape, device="meta")):
        with pytest.raises(us.Error, match="^hidden: "):
            us.Problem(CONFIG, **{**arrays(), "hidden": bad})


def test_jax_arrays_are_read_in_place():
    jax = pytest.importorskip("jax")
    inputs = {name: jax.numpy.asarray(array) for name, array in arrays().items()}
    problem = us.Problem(CONFIG, **inputs)
    assert all(address(problem[name]) == inputs[name].unsafe_buffer_pointer() for name in inputs)
    small = {name: array.astype(jax.numpy.bfloat16) for name, array in inputs.items()}
    again = us.Problem(CONFIG, **small)
    assert all(np.array_equal(again[name], np.asarray(small[name].astype("float32"))) for name in small)
