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
    dumps: Union[StrPath, Iterable[StrPath]] = (),
    backend: str = "traced",
    settings: Iterable[str] = (),
    omit: Iterable[str] = (),
    threads: Optional[int] = None,
) -> None:
    """Write a baseline: bits, classes and errors of every slot of recipes on problem files.

    With ``dumps``, a port's files made from the one problem, they are what is blessed, judged by the one recipe.
    The baseline names files from its own folder. Raises Error: what cannot be read, run or written.
    """
    options = _core.BlessOptions()
    options.set_problems(_paths("problems", problems))
    options.set_recipes(as_texts("recipes", recipes))
    options.dumps = _paths("dumps", dumps)
    options.backend = as_text("backend", backend)
    options.edits = as_edits(settings, omit)
    options.threads = as_threads(threads)
    options.output = as_path("output", output)
    _core.bless(options)


def check(baseline: StrPath, *, factor: Optional[float] = None, threads: Optional[int] = None) -> Check:
    """Compute a baseline again: a slot passes with the blessed bits, or with errors at most ``factor`` (2) times as large.

    Raises Error: a file that is no baseline, or names problems or dumps that are gone or others.
    """
    options = _core.CheckOptions()
    options.baseline = as_path("baseline", baseline)
    options.factor = as_real("factor", factor)
    options.threads = as_threads(threads)
    return Check._of(_core.check(options))


def _paths(what: str, values: Any) -> list[str]:
    several = values if isinstance(values, Iterable) and not isinstance(values, (str, bytes)) else [values]
    return [as_path(what, value) for value in several]
