# SPDX-License-Identifier: Apache-2.0
"""What a problem and a run have in common: named arrays on the library's own memory, and a config. Internal."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any, Union

import numpy as np

from . import _core
from ._values import Missing, StrPath, as_path, as_text


class Arrays(Mapping[str, np.ndarray]):
    """Read-only arrays by name; each keeps the memory alive that it views."""

    _handle: Union[_core.Problem, _core.Run]
    #: What sentences call a key.
    _key = "a name"

    def __getitem__(self, name: str) -> np.ndarray:
        """The read-only float32 or float64 array of this name."""
        try:
            return self._handle.array(as_text(self._key, name))
        except KeyError as error:
            raise Missing(*error.args) from None

    def __iter__(self) -> Iterator[str]:
        return iter(self._handle.names())

    def __len__(self) -> int:
        return len(self._handle.names())

    @property
    def config(self) -> dict[str, Any]:
        """The config with every field, a copy; a run's is the problem's minus the stages that the recipe omits."""
        config: dict[str, Any] = json.loads(self._handle.config())
        return config

    def write(self, path: StrPath) -> None:
        """Write a file, whole or not at all: npz where the name ends so, else safetensors.

        Of a run: a dump, each slot in its format's own element type.
        """
        self._handle.write(as_path("path", path))
