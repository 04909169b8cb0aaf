# SPDX-License-Identifier: Apache-2.0
"""The harness is the one that made the golden dumps: their problems give their bits."""

from pathlib import Path

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("transformers.models.deepseek_v4")
us = pytest.importorskip("ulpscope")
import engine  # noqa: E402
import hugging_face  # noqa: E402

GOLDEN = Path(__file__).resolve().parents[1] / "golden"
DTYPES = {"hf-bf16": torch.bfloat16, "hf-fp32": torch.float32}
DUMPS = sorted(path.name.removesuffix(".safetensors") for run in DTYPES for path in GOLDEN.glob(f"*.{run}.safetensors"))
PROJECTIONS = ("kv", "gate")
BITS = {torch.bfloat16: torch.int16, torch.float32: torch.int32}


def equal_bits(ours, theirs):
    """The fraction of elements with equal bits; dtypes and shapes have to agree."""
    assert (ours.dtype, ours.shape) == (theirs.dtype, theirs.shape)
    ours, theirs = (tensor.contiguous().view(BITS[tensor.dtype]) for tensor in (ours, theirs))
    return (ours == theirs).double().mean().item()


def test_there_are_golden_dumps():
    assert len(DUMPS) == 18


@pytest.mark.parametrize("dump", DUMPS)
def test_the_library_gives_the_golden_bits_again(dump):
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip("the golden dumps hold the bits of PyTorch's AVX-512 kernels")
    case, run = dump.split(".")
    problem = us.Problem.read(GOLDEN / f"{case}.problem.safetensors")
    kind = "indexer" if case == "csa-indexer" else problem.config["mode"]
    slots = hugging_face.run(problem.config, engine.inputs(problem), DTYPES[run], kind)
    golden = engine.tensors(GOLDEN / f"{dump}.safetensors")
    assert set(golden) <= set(slots)
    equal = {name: equal_bits(slots[name], tensor) for name, tensor in golden.items()}
    assert not min(equal[name] for name in PROJECTIONS) < 0.999
    if min(equal[name] for name in PROJECTIONS) < 1:
        pytest.skip("this processor's matrix products have another order than those of the golden dumps")
    assert {name: part for name, part in equal.items() if part < 1} == {}
