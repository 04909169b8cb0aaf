# SPDX-License-Identifier: Apache-2.0
"""Recipe: an implementation's arithmetic as data."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any, Optional, Union

from . import _core
from ._core import Error
from ._values import StrPath, as_edits, as_json, as_path, as_text


@lru_cache(maxsize=1)
def _builtin_names() -> frozenset[str]:
    return frozenset(row["name"] for row in json.loads(_core.list("recipes").json()))


@lru_cache(maxsize=64)
def _builtin(name: str) -> _core.Recipe:
    return _core.Recipe.load(name)


def _load(name: str) -> _core.Recipe:
    """Built-in recipes are read once; files may change."""
    return _builtin(name) if name in _builtin_names() else _core.Recipe.load(name)


class Recipe(Mapping[str, Any]):
    """Which format each operation, sum and stored slot has; which algorithms, pads and orders of summation.

    ``Recipe("hf")`` is a built-in one (``list_recipes()``) or a JSON file, ``Recipe({...})`` the JSON itself; then it
    reads as a dict: ``recipe["stages"]["softmax"]["exp"]``. What it leaves out takes its ``default``. Recipes do not
    change: ``with_`` gives another one. Raises Error: an unknown name, field or value, with the known ones.
    """

    _handle: _core.Recipe
    _spec: Optional[dict[str, Any]]

    def __init__(self, recipe: Union[str, Mapping[str, Any]]) -> None:
        self._spec = None
        if isinstance(recipe, Recipe):
            self._handle = recipe._handle
        elif isinstance(recipe, str):
            self._handle = _load(as_text("recipe", recipe))
        elif not isinstance(recipe, Mapping):
            raise Error(f"recipe must be a name, a path, a Recipe or a dict, found {type(recipe).__name__}")
        else:
            self._handle = _core.Recipe.from_json(as_json("recipe", recipe))

    @classmethod
    def _of(cls, recipe: _core.Recipe) -> Recipe:
        self = cls.__new__(cls)
        self._handle = recipe
        self._spec = None
        return self

    @classmethod
    def read(cls, path: StrPath) -> Recipe:
        """A recipe's JSON file."""
        return cls._of(_core.Recipe.load(as_path("path", path)))

    def with_(
        self,
        *settings: str,
        omit: Iterable[str] = (),
        remainder: Optional[str] = None,
        seed: Optional[int] = None,
    ) -> Recipe:
        """Another recipe, with settings as the command's --set has them.

        ``recipe.with_("softmax.compute=bf16", "pad.gate=-1e4", omit=["rotate"], remainder="error", seed=1)``;
        ``backward.STAGE.FIELD=VALUE`` for the backward. ``seed`` is that of stochastic roundings.
        """
        return self._of(self._handle.edited(as_edits(settings, omit, remainder, seed)))

    def to_json(self) -> str:
        """The resolved recipe as JSON, indented: a file that ``Recipe.read`` reads."""
        return json.dumps(self._resolved(), indent=2, ensure_ascii=False) + "\n"

    @property
    def name(self) -> str:
        return self._handle.name

    @property
    def about(self) -> str:
        """What it is a recipe of."""
        return self._handle.about

    @property
    def source(self) -> str:
        """Where that was published."""
        return self._handle.source

    def _resolved(self) -> dict[str, Any]:
        if self._spec is None:
            self._spec = json.loads(self._handle.json())
        return self._spec

    def __getitem__(self, key: str) -> Any:
        return copy.deepcopy(self._resolved()[key])

    def __iter__(self) -> Iterator[str]:
        return iter(self._resolved())

    def __len__(self) -> int:
        return len(self._resolved())

    def __repr__(self) -> str:
        return f"<ulpscope.Recipe {self.name}: {self.about}>"
