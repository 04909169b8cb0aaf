# SPDX-License-Identifier: Apache-2.0
"""What goes into the library: arrays of any maker, JSON, recipes, problems, dumps, threads. Internal."""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING, Any, Optional, Union

import numpy as np

from . import _core
from ._core import Error

if TYPE_CHECKING:
    from ._problem import Problem
    from ._recipe import Recipe
    from ._run import Run

#: Element types by the name of their numpy (or ml_dtypes) dtype, as files call them.
DTYPES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "bfloat16": "BF16",
    "float8_e4m3fn": "F8_E4M3",
    "float8_e5m2": "F8_E5M2",
    "bool": "BOOL",
    "uint8": "U8",
    "uint16": "U16",
    "int32": "I32",
    "int64": "I64",
}
#: torch has these; numpy does not, so their bits cross.
TORCH_BITS = {
    "torch.bfloat16": ("int16", "BF16"),
    "torch.float8_e4m3fn": ("uint8", "F8_E4M3"),
    "torch.float8_e5m2": ("uint8", "F8_E5M2"),
}
ACCEPTED = "float64, float32, float16, bfloat16, float8_e4m3fn, float8_e5m2, bool, uint8, uint16, int32, int64"

StrPath = Union[str, "os.PathLike[str]"]


class Missing(Error, KeyError):
    """A name that a mapping does not have: an Error with a sentence, and a KeyError so that mappings work."""

    def __str__(self) -> str:
        return str(self.args[0])


def _from_torch(tensor: Any) -> tuple[np.ndarray, Optional[str]]:
    tensor = tensor.detach().resolve_neg()  # a view that only says "negated" has the other sign in memory
    if tensor.device.type != "cpu":
        tensor = tensor.cpu()
    bits, dtype = TORCH_BITS.get(str(tensor.dtype), (None, None))
    if bits is not None:
        tensor = tensor.view(getattr(sys.modules["torch"], bits))
    try:
        return np.from_dlpack(tensor), dtype
    except (AttributeError, BufferError, RuntimeError, TypeError, ValueError):  # bool, in older numpys
        return tensor.numpy(), dtype


def _from_anything(value: Any) -> tuple[np.ndarray, Optional[str]]:
    if isinstance(value, np.ma.MaskedArray) and np.ma.is_masked(value):
        raise Error("a masked array has elements without a value: give one with .filled(...)")
    if isinstance(value, np.ndarray):
        return np.asarray(value), None
    if type(value).__module__.split(".")[0] == "torch":
        return _from_torch(value)
    if hasattr(value, "__dlpack__") and not (hasattr(value, "__array__") or hasattr(value, "__array_interface__")):
        return np.from_dlpack(value), None
    return np.asarray(value), None


def as_array(name: str, value: Any) -> tuple[np.ndarray, str]:
    """A C-contiguous, aligned array in the machine's byte order and the file name of its element type.

    The memory is the value's own unless its layout, byte order or device forces a copy.
    """
    if value is None:
        raise Error(f"{name}: an array is needed, found None")
    try:
        array, dtype = _from_anything(value)
    except Error as error:
        raise Error(f"{name}: {error}") from None
    except Exception as error:  # whatever a foreign object's conversion raises
        raise Error(f"{name}: {type(value).__name__} cannot be read as an array: {error}") from error
    if dtype is None:
        if array.dtype.name in ("int8", "int16", "uint32"):
            array = array.astype(np.int64)
        dtype = DTYPES.get(array.dtype.name)
    if dtype is None:
        raise Error(f"{name}: elements of dtype {array.dtype} are not accepted; known: {ACCEPTED}")
    if not array.dtype.isnative:
        array = array.astype(array.dtype.newbyteorder("="))
    if not (array.flags.c_contiguous and array.flags.aligned):
        array = np.array(array, order="C", copy=True)
    return array, dtype


def as_tensor(name: str, value: Any) -> _core.Tensor:
    array, dtype = as_array(name, value)
    return _core.tensor(name, array, dtype)


def as_tensors(values: Mapping[str, Any]) -> dict[str, _core.Tensor]:
    return {as_text("a tensor's name", name): as_tensor(str(name), value) for name, value in values.items()}


def as_text(what: str, value: Any) -> str:
    if isinstance(value, str):
        try:
            value.encode("utf-8")
        except UnicodeEncodeError as error:
            raise Error(f"{what}: the text is not Unicode: {error.reason}") from error
        return value
    raise Error(f"{what} must be a string, found {type(value).__name__}")


def as_path(what: str, value: Any) -> str:
    try:
        path = os.fspath(value)
    except TypeError:
        raise Error(f"{what} must be a path, found {type(value).__name__}") from None
    text = as_text(what, os.fsdecode(path) if isinstance(path, bytes) else path)
    if "\0" in text:
        raise Error(f"{what}: a path has no zero character")
    return text


def as_texts(what: str, values: Any) -> list[str]:
    if values is None:
        return []
    if isinstance(values, str):
        values = [values]
    if not isinstance(values, Iterable):
        raise Error(f"{what} must be strings, found {type(values).__name__}")
    return [as_text(what, value) for value in values]


def as_whole(what: str, value: Any) -> Optional[int]:
    """A whole number of at most 64 bits, or None."""
    if value is None:
        return None
    try:
        number = value.__index__()
    except AttributeError:
        raise Error(f"{what} must be a whole number >= 0, found {value!r:.60}") from None
    if isinstance(value, bool) or not 0 <= number < 1 << 64:
        raise Error(f"{what} must be a whole number >= 0, found {value!r:.60}")
    return int(number)


def as_real(what: str, value: Any) -> Optional[float]:
    """A finite number >= 0, or None: what the command's options take."""
    if value is None:
        return None
    try:
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise Error(f"{what} must be a finite number >= 0, found {value!r:.60}") from None
    if isinstance(value, (str, bytes)) or not 0 <= number < float("inf"):
        raise Error(f"{what} must be a finite number >= 0, found {value!r:.60}")
    return number


def as_sizes(what: str, values: Any) -> list[int]:
    if values is None:
        return []
    if isinstance(values, (str, bytes)) or not isinstance(values, Iterable):
        raise Error(f"{what} must be a list of whole numbers >= 1, found {values!r:.60}")
    sizes = [as_whole(what, value) for value in values]
    if not all(sizes):
        raise Error(f"{what} must be a list of whole numbers >= 1, found {values!r:.60}")
    return [size for size in sizes if size]


def as_threads(threads: Any) -> int:
    number = as_whole("threads", threads)
    if number is None:
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    if number == 0:
        raise Error("threads must be a whole number >= 1, found 0")
    return min(number, 1024)


def as_json(what: str, value: Any) -> str:
    """JSON text of a dict; numbers that JSON does not have are the strings "nan", "inf", "-inf", as the library reads."""
    if not isinstance(value, Mapping):
        raise Error(f"{what} must be a dict, found {type(value).__name__}")
    try:
        return json.dumps(_plain(value, 0), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise Error(f"{what}: {error}") from error


def _plain(value: Any, depth: int) -> Any:
    if depth > 64:
        raise ValueError("nested more than 64 deep")
    if isinstance(value, Mapping):
        return {as_text("a key", key): _plain(child, depth + 1) for key, child in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(child, depth + 1) for child in value]
    if isinstance(value, (np.bool_, np.integer, np.floating)):
        value = value.item()
    if isinstance(value, float) and not np.isfinite(value):
        return "nan" if np.isnan(value) else "inf" if value > 0 else "-inf"
    if isinstance(value, str):
        return as_text("a text", value)
    return value


def as_dtypes(dtypes: Optional[Mapping[str, str]]) -> list[str]:
    """{"kv": "bf16"} as the command's --dtype options."""
    if dtypes is None:
        return []
    if not isinstance(dtypes, Mapping):
        raise Error(f"dtypes must be a dict of names, found {type(dtypes).__name__}")
    return [f"{as_text('dtypes', name)}={as_text('dtypes', dtype)}" for name, dtype in dtypes.items()]


def as_edits(settings: Any = (), omit: Any = (), remainder: Any = None, seed: Any = None) -> _core.RecipeEdits:
    edits = _core.RecipeEdits()
    edits.settings = as_texts("a setting", settings)
    edits.omit = as_texts("omit", omit)
    edits.remainder = None if remainder is None else as_text("remainder", remainder)
    edits.seed = as_whole("seed", seed)
    return edits


def as_recipe(recipe: Union[str, "Recipe", Mapping[str, Any]]) -> "Recipe":
    from ._recipe import Recipe

    return recipe if isinstance(recipe, Recipe) else Recipe(recipe)


def as_problem(problem: Union["Problem", StrPath]) -> Union[_core.Problem, str]:
    from ._problem import Problem

    return problem._handle if isinstance(problem, Problem) else as_path("a problem", problem)


def as_dump(dump: Union["Run", Mapping[str, Any], StrPath]) -> Union[_core.Run, dict[str, _core.Tensor], str]:
    from ._run import Run

    if isinstance(dump, Run):
        return dump._handle
    return as_tensors(dump) if isinstance(dump, Mapping) else as_path("a dump", dump)


def as_tolerance(rtol: Any, atol: Any, ulp: Any, equal_nan: bool) -> _core.Tolerance:
    tolerance = _core.Tolerance()
    tolerance.rtol = as_real("rtol", rtol)
    tolerance.atol = as_real("atol", atol)
    tolerance.ulp = as_real("ulp", ulp)
    if equal_nan:
        tolerance.set_equal_nan()
    return tolerance
