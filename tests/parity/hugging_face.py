# SPDX-License-Identifier: Apache-2.0
"""Hugging Face's own DeepSeek-V4 compressors, run forward and backward on a problem, every stage observed as it passes.

A module is what a model loaded in `dtype` holds: projections in `dtype`; position_bias, kv_norm.weight and the RoPE
frequencies in fp32. Nothing is computed here: slots are the tensors that the modules themselves make, gradients autograd's.
"""

import contextlib
import functools
import math
from unittest import mock

import torch
from torch.overrides import TorchFunctionMode
from transformers.models.deepseek_v4 import modeling_deepseek_v4 as deepseek
from transformers.models.deepseek_v4.configuration_deepseek_v4 import DeepseekV4Config

LAYERS = {"csa": "compressed_sparse_attention", "hca": "heavily_compressed_attention"}
MODULES = {
    "csa": deepseek.DeepseekV4CSACompressor,
    "hca": deepseek.DeepseekV4HCACompressor,
    "indexer": deepseek.DeepseekV4Indexer,
}
SLOTS = ("kv", "gate", "values", "logits", "weights", "products", "pooled", "normed", "rotated", "output")
GRADIENTS = ("kv", "gate", "values", "logits", "weights", "products", "pooled", "normed")
PARAMETERS = ("w_kv", "w_gate", "hidden", "ape", "gamma")
# The stages' inner slots, which the golden dumps leave out.
INNER = ("biased", "softmax", "mean_square", "normalized", "rope_frequencies", "rope_cos", "rope_sin")
CORE = SLOTS + tuple(f"grad.{name}" for name in GRADIENTS + PARAMETERS)


def _partial_rotary_factor(dim, head_dim):
    """A factor with int(head_dim * factor) == dim, which is how the library comes back to `dim`."""
    factor = dim / head_dim
    return factor if int(head_dim * factor) == dim else math.nextafter(factor, 2)


def _rope_parameters(rope, head_dim):
    compress = {
        "rope_type": "default",
        "rope_theta": float(rope["theta"]),
        "partial_rotary_factor": _partial_rotary_factor(rope["dim"], head_dim),
    }
    if rope["yarn"]:
        yarn = rope["yarn"]
        compress.update(
            rope_type="yarn",
            factor=float(yarn["factor"]),
            original_max_position_embeddings=int(yarn["original"]),
            beta_fast=float(yarn["beta_fast"]),
            beta_slow=float(yarn["beta_slow"]),
            attention_factor=1.0,
        )
    return {"main": {**compress}, "compress": compress}


def _config(config):
    rope = config["rope"] or {"dim": 2, "theta": 10000, "yarn": None}  # without RoPE the rotation is left out below
    if rope.get("position_offset", 0):
        raise ValueError("a single shot of the library starts at position 0")
    return DeepseekV4Config(
        hidden_size=config["hidden"],
        head_dim=config["head_dim"],
        index_head_dim=config["head_dim"],
        index_n_heads=1,
        index_topk=1,
        q_lora_rank=1,
        num_hidden_layers=1,
        layer_types=[LAYERS[config["mode"]]],
        compress_rates={layer: config["ratio"] for layer in LAYERS.values()},
        rms_norm_eps=config["eps"],
        max_position_embeddings=1 << 20,
        rope_parameters=_rope_parameters(rope, config["head_dim"]),
    )


def module(config, inputs, dtype, kind):
    """The library's module for `kind` ("csa", "hca", "indexer"), its weights those of the problem's inputs."""
    made = MODULES[kind](_config(config))
    frequencies = made.rotary_emb.compress_inv_freq.clone()
    made = made.to(dtype)
    made.rotary_emb.compress_inv_freq = frequencies
    made.position_bias.data = inputs["ape"].to(torch.float32).clone()
    made.kv_norm.weight.data = inputs["gamma"].to(torch.float32).clone()
    made.kv_proj.weight.data = inputs["w_kv"].to(dtype)
    made.gate_proj.weight.data = inputs["w_gate"].to(dtype)
    return made


def rope_frequencies(config):
    """[dim/2], fp32, as a loaded model keeps them."""
    return deepseek.DeepseekV4RotaryEmbedding(_config(config)).compress_inv_freq


class Observer(TorchFunctionMode):
    """Names the tensors between the projections and the norm by the operations that they pass through; the first of each."""

    def __init__(self, ape):
        super().__init__()
        self.ape = ape
        self.seen = {}

    def note(self, name, tensor):
        if name not in self.seen:
            self.seen[name] = tensor
            if tensor.requires_grad and not tensor.is_leaf:
                tensor.retain_grad()

    def is_slot(self, tensor, name):
        return tensor is self.seen.get(name)

    def __torch_function__(self, func, types, args=(), kwargs=None):
        out = func(*args, **(kwargs or {}))
        if not isinstance(out, torch.Tensor) or not args or self.is_done():
            return out
        name = getattr(func, "__name__", "")
        if any(a is self.ape for a in args) and name in ("add", "__add__", "__radd__"):
            self.note("biased", out)
        elif name == "softmax":
            self.note("logits", args[0])
            self.note("softmax", out)
        elif name == "to" and self.is_slot(args[0], "softmax"):
            self.note("weights", out)
        elif name in ("mul", "__mul__") and self.is_slot(args[1], "weights"):
            self.note("values", args[0])
            self.note("products", out)
        elif name == "sum" and self.is_slot(args[0], "products"):
            self.note("pooled", out)
        elif name == "mean" and "pooled" in self.seen:
            self.note("mean_square", out.squeeze(-1))
        elif name in ("mul", "__mul__") and "mean_square" in self.seen:
            self.note("normalized", out)
        return out

    def is_done(self):
        return "normed" in self.seen


def _rotate(observer, config, x, cos, sin, unsqueeze_dim=1, *, original):
    """The library's rotation (left out without RoPE), its first call observed: later ones rotate the indexer's queries."""
    out = original(x, cos, sin, unsqueeze_dim) if config["rope"] else x
    if "output" not in observer.seen:
        if config["rope"]:
            observer.note("rope_cos", cos[0])
            observer.note("rope_sin", sin[0])
            observer.note("rotated", out.squeeze(1))
        observer.note("output", out.squeeze(1))
    return out


def forward(config, inputs, dtype, kind):
    """(module, hidden, observer) after the forward pass."""
    made = module(config, inputs, dtype, kind)
    hidden = inputs["hidden"].to(dtype).clone().requires_grad_()
    observer = Observer(made.position_bias)
    for name, layer in (("kv", made.kv_proj), ("gate", made.gate_proj), ("normed", made.kv_norm)):
        layer.register_forward_hook(lambda _layer, _args, out, name=name: observer.note(name, out))
    rotate = functools.partial(_rotate, observer, config, original=deepseek.apply_rotary_pos_emb)
    batch, seq, _ = hidden.shape
    positions = torch.arange(seq)[None].expand(batch, seq)
    with mock.patch.object(deepseek, "apply_rotary_pos_emb", rotate), observer:
        made(hidden, torch.zeros(batch, seq, 1, dtype=dtype), positions, None, 0)
    if config["rope"]:
        observer.seen["rope_frequencies"] = made.rotary_emb.compress_inv_freq
    return made, hidden, observer


@contextlib.contextmanager
def one_thread():
    """The order of PyTorch's long sums depends on the threads: one."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def run(config, inputs, dtype, kind=None):
    """Slots of contract names -> torch tensors in the dtype that the library has them in.

    `config`: a problem's, resolved; `inputs`: its arrays as torch tensors; `dtype`: torch.float32 or torch.bfloat16.
    """
    with one_thread():
        made, hidden, observer = forward(config, inputs, dtype, kind or config["mode"])
        seen = observer.seen
        seen["output"].backward(inputs["cotangent"].to(dtype))
    slots = {name: seen[name].detach() for name in SLOTS + INNER if name in seen}
    leaves = (made.kv_proj.weight, made.gate_proj.weight, hidden, made.position_bias, made.kv_norm.weight)
    graded = {name: seen[name] for name in GRADIENTS + ("biased",)} | dict(zip(PARAMETERS, leaves, strict=True))
    return slots | {f"grad.{name}": tensor.grad for name, tensor in graded.items()}
