# SPDX-License-Identifier: Apache-2.0
"""Baselines: what runs and dumps are, kept in a file, and held to it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, Optional, Union

from . import _core
from ._found import Found
from ._values import StrPath, as_edits, as_path, as_real, as_text, as_texts, as_threads, as_whole


class Check(Found):
    """What a check found (schema "ulpscope.check/1"): ``changes``, one dictionary per slot that is not as blessed."""

    _made_by = "ulpscope.check"

    @property
    def ok(self) -> bool:
        """No slot fails."""
        return self.exit == 0

    @property
    def exit(self) -> int:
        """The command's exit code: 0 or 1."""
        return int(self.to_dict()["exit"])

    @property
    def changes(self) -> list[dict[str, Any]]:
        """Slots that changed: "run", "slot", "direction", "blessed", "now", "status", "reason"."""
        return [{"run": run["name"], **change} for run in self.to_dict()["runs"] for change in run["changes"]]

    @property
    def summary(self) -> list[str]:
        return list(self.to_dict()["summary"])

    def to_junit(self) -> str:
        """JUnit XML: a test case for every run and slot."""
        return self._handle.junit()

    def __repr__(self) -> str:
        return f"<ulpscope.Check: {len(self.changes)} changes, {'ok' if self.ok else 'fails'}>"


def bless(
    problems: Union[StrPath, Iterable[StrPath]],
    recipes: Union[str, Iterable[str]],
    output: StrPath,
    *,
    presets: Iterable[str] = (),
    dumps: Union[StrPath, Iterable[StrPath]] = (),
    backend: str = "traced",
    truth: str = "fp64",
    cache: Optional[StrPath] = None,
    basis: str = "quantized",
    settings: Iterable[str] = (),
    omit: Iterable[str] = (),
    remainder: Optional[str] = None,
    seed: Optional[int] = None,
    threads: Optional[int] = None,
) -> None:
    """Write a baseline: bits, classes and errors of every slot of recipes on problem files.

    With ``dumps``, a port's files made from the one problem, they are what is blessed, judged by the one recipe.
    The baseline names files from its own folder, ``presets`` by name and ``seed``; without problems and presets:
    small-csa and small-hca; without recipes: those of `report`. ``truth``, ``cache``, ``basis``, ``settings``, ``omit``,
    ``remainder``: as for `report`. Raises Error: what cannot be read, run or written.
    """
    options = _core.BlessOptions()
    options.set_problems(_paths("problems", problems))
    options.set_recipes(as_texts("recipes", recipes))
    options.presets = as_texts("presets", presets)
    options.dumps = _paths("dumps", dumps)
    options.backend = as_text("backend", backend)
    options.truth = as_text("truth", truth)
    if cache is not None:
        options.set_cache(as_path("cache", cache))
    options.basis = as_text("basis", basis)
    options.edits = as_edits(settings, omit, remainder)
    options.seed = as_whole("seed", seed) or 0
    options.threads = as_threads(threads)
    options.output = as_path("output", output)
    _core.bless(options)


def check(
    baseline: StrPath,
    *,
    factor: Optional[float] = None,
    cache: Optional[StrPath] = None,
    threads: Optional[int] = None,
) -> Check:
    """Compute a baseline again: a slot passes with the blessed bits, or with errors at most ``factor`` (2) times as large.

    ``cache``: as for `report`. Raises Error: a file that is no baseline, or names problems or dumps that are gone or others.
    """
    options = _core.CheckOptions()
    options.baseline = as_path("baseline", baseline)
    options.factor = as_real("factor", factor)
    if cache is not None:
        options.set_cache(as_path("cache", cache))
    options.threads = as_threads(threads)
    return Check._of(_core.check(options))


def _paths(what: str, values: Any) -> list[str]:
    several = values if isinstance(values, Iterable) and not isinstance(values, (str, bytes)) else [values]
    return [as_path(what, value) for value in several]
