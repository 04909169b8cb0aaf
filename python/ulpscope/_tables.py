# SPDX-License-Identifier: Apache-2.0
"""The program's tables, and the verbs that need no object of their own."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, Optional, overload

import numpy as np

from . import _core
from ._core import Error
from ._values import StrPath, as_dtypes, as_path, as_tensor, as_text, as_threads

Rows = list[dict[str, Any]]


def _table(topic: str) -> Rows:
    rows: Rows = json.loads(_core.list(topic).json())
    return rows


def list_formats() -> Rows:
    """Number formats: precision in bits, exponent bits, largest, smallest, unit roundoff; all binary."""
    return _table("formats")


def list_recipes() -> Rows:
    """Built-in recipes: name, what it is a recipe of, where that was published."""
    return _table("recipes")


def list_presets() -> Rows:
    """Configs with a name, and their sizes."""
    return _table("presets")


def list_slots() -> Rows:
    """Tensors with a name: the stage that writes each, its shape in one preset."""
    return _table("slots")


def list_stages() -> Rows:
    """Steps that can round or inject a value, in program order."""
    return _table("stages")


def list_pads() -> Rows:
    """What a slot without a token may hold (``pad.gate``)."""
    return _table("pads")


def list_softmax() -> Rows:
    """Algorithms of the softmax."""
    return _table("softmax")


def list_summations() -> Rows:
    """Orders of summation."""
    return _table("summations")


def list_exps() -> Rows:
    """Exponentials, correctly rounded and of libraries."""
    return _table("exps")


def list_vjps() -> Rows:
    """Algorithms of the backward."""
    return _table("vjps")


def list_metrics() -> Rows:
    """What reports measure: name, unit, definition."""
    return _table("metrics")


def list_studies() -> Rows:
    """Built-in studies."""
    return _table("studies")


def list_mutants() -> Rows:
    """Known bugs of ports that ``run(..., mutant=NAME)`` plants: name, first stage that they make wrong, about."""
    return _table("mutants")


def list_diagnoses() -> Rows:
    """Known bugs that ``compare`` names."""
    return _table("diagnoses")


def list_maps() -> Rows:
    """Naming schemes that are understood without a map."""
    return _table("maps")


def list_backends() -> Rows:
    """Who can run a recipe, and whether it can here."""
    return _table("backends")


def inspect(path: StrPath) -> dict[str, Any]:
    """What a tensor file holds (names, dtypes, shapes, extremes), or a report's JSON."""
    found: dict[str, Any] = json.loads(_core.inspect(as_path("path", path)).json())
    return found


def convert(source: StrPath, target: StrPath, *, dtypes: Optional[Mapping[str, str]] = None) -> None:
    """Between safetensors, npz and npy, by the name of the target. ``dtypes``: {"kv": "bf16"} for bits in integers."""
    _core.convert(as_path("source", source), as_path("target", target), as_dtypes(dtypes))


def selftest(*, exhaustive: bool = False, threads: Optional[int] = None) -> Rows:
    """Does this program compute on this machine what it says? One row per claim, "status" "ok" or "fail".

    ``exhaustive``: all 2^32 floats, minutes.
    """
    call = _core.exhaustive_selftest if exhaustive else _core.selftest
    rows: Rows = json.loads(call(as_threads(threads)).json())
    return rows


@overload
def round(x: float, format: str, out: None = None) -> np.floating[Any]: ...
@overload
def round(x: Any, format: str, out: Optional[np.ndarray] = None) -> np.ndarray: ...


def round(x: Any, format: str, out: Optional[np.ndarray] = None) -> Any:
    """Each value rounded once to a format: "bf16", "e4m3fn:sat", "e5m10:rz" (``list_formats()``).

    float32 arrays (and fp16, bf16, fp8) give float32, float64 arrays, integers and numbers float64; the shape stays.
    ``out`` takes the result instead of a new array: C-contiguous, of that type and shape; it may be ``x`` itself.
    Stochastic formats draw for element i of the call. Raises Error: an unknown format, an ``out`` that does not fit.
    """
    values = as_tensor("x", x).array()
    name = as_text("format", format)
    if out is None:
        target = np.empty_like(values)
        _core.round_into(values, target, name)
        return target[()]
    fits = isinstance(out, np.ndarray) and out.shape == values.shape and out.dtype == values.dtype
    if not (fits and out.flags.c_contiguous and out.flags.aligned and out.flags.writeable):
        raise Error(f"round: `out` must be a writeable C-contiguous {values.dtype} array of shape {list(values.shape)}")
    _core.round_into(values, out, name)
    return out
