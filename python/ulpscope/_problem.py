# SPDX-License-Identifier: Apache-2.0
"""Problem: a config and the inputs of the layer."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Optional, Union

from . import _core
from ._arrays import Arrays
from ._values import StrPath, as_dtypes, as_json, as_path, as_real, as_tensors, as_text, as_threads, as_whole

REQUIRED = ("hidden", "w_kv", "w_gate", "ape", "gamma", "cotangent")
OPTIONAL = ("attention_mask", "segment_ids", "prior_kv", "prior_gate")


class Problem(Arrays):
    """The inputs of one compressor layer, by name: ``problem["hidden"]``.

    Shapes, with B batch, S tokens, h hidden, d head_dim, n = S // ratio windows and c = 2 where windows overlap, else 1:
    ``hidden`` [B,S,h], ``w_kv`` and ``w_gate`` [c*d,h], ``ape`` [ratio,c*d], ``gamma`` [d], ``cotangent`` [B,n,d] (of
    the output); optional ``attention_mask`` [B,S] (1 is a token), ``segment_ids`` [B,S], ``prior_kv`` and ``prior_gate``
    [B,ratio,c*d] (the raw window before the first).

    float32 and float64 arrays that are C-contiguous and aligned are read in place, whoever made them (numpy, torch on a
    CPU, JAX on a CPU): do not write to them while a call runs. bfloat16 (ml_dtypes, torch), float16 and arrays of
    another layout or byte order are copied. uint16 that are bits of bf16: ``dtypes={"hidden": "bf16"}``.

    Raises Error: an input that is missing or unknown, has another shape or element type, or a config that is not one.
    """

    _handle: _core.Problem
    _key = "an input's name"

    def __init__(
        self,
        config: Mapping[str, Any],
        *,
        dtypes: Optional[Mapping[str, str]] = None,
        **inputs: Any,
    ) -> None:
        text = as_json("config", config)
        given = {name: value for name, value in inputs.items() if value is not None or name not in OPTIONAL}
        self._handle = _core.Problem.from_arrays(text, as_tensors(given), as_dtypes(dtypes))

    @classmethod
    def _of(cls, problem: _core.Problem) -> Problem:
        self = cls.__new__(cls)
        self._handle = problem
        return self

    @classmethod
    def make(
        cls,
        config: Union[str, Mapping[str, Any]],
        *,
        seed: int = 0,
        batch: Optional[int] = None,
        seq: Optional[int] = None,
        hidden: Optional[int] = None,
        head_dim: Optional[int] = None,
        gate_sigma: Optional[float] = None,
        ape_sigma: Optional[float] = None,
        threads: Optional[int] = None,
    ) -> Problem:
        """Random inputs for a preset (``list_presets()``) or a config, with other sizes where they are given.

        Input number i is drawn as jax.random draws float32 normals from ``fold_in(key(seed), i)``: the same bits on
        every machine. ``gate_sigma`` (1.5) and ``ape_sigma`` (0.5) are the spreads of gates and of the position bias.
        """
        draw = _core.Draw()
        if isinstance(config, str):
            draw.preset = as_text("config", config)
        else:
            draw.config = as_json("config", config)
        draw.seed = as_whole("seed", seed) or 0
        draw.batch = as_whole("batch", batch)
        draw.seq = as_whole("seq", seq)
        draw.hidden = as_whole("hidden", hidden)
        draw.head_dim = as_whole("head_dim", head_dim)
        draw.gate_sigma = as_real("gate_sigma", gate_sigma)
        draw.ape_sigma = as_real("ape_sigma", ape_sigma)
        draw.threads = as_threads(threads)
        return cls._of(_core.Problem.drawn(draw))

    @classmethod
    def read(cls, path: StrPath, *, dtypes: Optional[Mapping[str, str]] = None) -> Problem:
        """A problem file, safetensors or npz. ``dtypes``: ``{"hidden": "bf16"}`` where a file holds bits as integers."""
        return cls._of(_core.Problem.from_file(as_path("path", path), as_dtypes(dtypes)))

    @property
    def names(self) -> list[str]:
        """The inputs that it holds."""
        return self._handle.names()

    @property
    def sha256(self) -> str:
        """The fingerprint of config and inputs, the same for every container."""
        return self._handle.sha256()

    @property
    def source(self) -> str:
        """Where it comes from: a path, "preset small-csa, seed 1", "arrays"."""
        return self._handle.source

    def __repr__(self) -> str:
        config = self.config
        sizes = ", ".join(f"{name}={config[name]}" for name in ("mode", "batch", "seq", "hidden", "head_dim"))
        return f"<ulpscope.Problem {self.source}: {sizes}>"
