# SPDX-License-Identifier: Apache-2.0
"""PyTorch's sums have the orders of torch_orders.py, which recipe hf names `torch_rows` and `torch_channels`."""

import pytest

torch = pytest.importorskip("torch")
np = pytest.importorskip("numpy")
pytest.importorskip("transformers.models.deepseek_v4")
pytest.importorskip("ulpscope")
import engine  # noqa: E402
import hugging_face  # noqa: E402
import torch_orders  # noqa: E402
from conftest import SEED  # noqa: E402

pytestmark = pytest.mark.skipif(
    torch.backends.cpu.get_cpu_capability() not in ("AVX2", "AVX512"), reason="PyTorch's kernels for AVX2 are described"
)
WIDTHS = (1, 2, 3, 5, 7, 8, 9, 10, 13, 15, 16, 20, 26, 31, 32, 40, 48, 64, 72, 80, 96, 112, 128, 150, 512)
ROWS = (1, 3, 8, 17, 32, 64, 100, 128, 300)


def spread(shape):
    """Normal numbers of many magnitudes along the first axis but one, half of which cancel: their sums depend on their order."""
    rng = np.random.default_rng((SEED, *shape))
    values = rng.standard_normal(shape) * 2.0 ** rng.integers(-9, 9, shape)
    half = shape[-2] // 2
    values[..., half : 2 * half, :] = -rng.permutation(values[..., :half, :], axis=-2)
    return (values * rng.uniform(0.99, 1.01, shape)).astype(np.float32)


def name_of(dtype):
    return str(dtype).removeprefix("torch.")


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("dtype", (torch.float32, torch.bfloat16), ids=("fp32", "bf16"))
def test_sums_over_rows(width, dtype):
    for rows in ROWS:
        given = torch.from_numpy(spread((8, rows, width))).to(dtype)
        sums = [torch_orders.over_rows(x, name_of(dtype)) for x in given.float().numpy()]
        ours = torch.from_numpy(np.stack(sums)).to(dtype)
        with hugging_face.one_thread():
            assert torch.equal(given.sum(1), ours), rows


def test_sums_along_channels():
    for width in WIDTHS:
        given = spread((40, width))
        ours = torch.from_numpy(np.array([torch_orders.along(x) for x in given]))
        with hugging_face.one_thread():
            assert torch.equal(torch.from_numpy(given).sum(-1), ours), width


@pytest.mark.parametrize("dtype", (torch.float32, torch.bfloat16), ids=("fp32", "bf16"))
def test_the_compressors_sums_have_these_orders_in_any_width(shape, dtype):
    """Of their own terms: pooled, mean_square and the gradients of ape and gamma, every bit, full groups or not."""
    problem = engine.draw(shape)
    slots = hugging_face.run(problem.config, engine.inputs(problem), dtype, shape.kind)
    terms = {name: tensor.float().numpy() for name, tensor in slots.items()}
    width = problem.config["head_dim"]
    summed = {
        "pooled": [[torch_orders.over_rows(x, name_of(dtype)) for x in row] for row in terms["products"]],
        "mean_square": [[torch_orders.along(x) / np.float32(width) for x in row] for row in terms["pooled"] ** 2],
        "grad.gamma": torch_orders.over_rows((terms["grad.normed"] * terms["normalized"]).reshape(-1, width)),
        "grad.ape": torch_orders.over_rows(terms["grad.biased"].reshape(-1, slots["grad.ape"].numel())),
    }
    for name, sums in summed.items():
        ours = torch.from_numpy(np.array(sums)).to(slots[name].dtype).reshape(slots[name].shape)
        assert torch.equal(slots[name], ours), name
