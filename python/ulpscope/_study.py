# SPDX-License-Identifier: Apache-2.0
"""Studies: a question walked over its axes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from . import _core
from ._found import Found
from ._problem import Problem
from ._values import (
    StrPath,
    as_dtypes,
    as_edits,
    as_path,
    as_problem,
    as_text,
    as_texts,
    as_threads,
    as_whole,
)

Value = Union[str, int, float]


class Study(Found):
    """Results of the schema "ulpscope.study/1": ``cells``, one dictionary per point, and the ``conclusion``."""

    _made_by = "ulpscope.study"

    @property
    def question(self) -> str:
        return str(self.to_dict()["question"])

    @property
    def cells(self) -> list[dict[str, Any]]:
        """One dictionary per point, in the order of the axes: axes as strings, measures as numbers or words.

        ``pandas.DataFrame(study.cells)`` is a table. A point that does not exist has only "skipped": why.
        """
        return [
            {**cell["at"], **{name: _number(value) for name, value in cell.items() if name != "at"}}
            for cell in self.to_dict()["cells"]
        ]

    @property
    def conclusion(self) -> list[str]:
        """What follows, in sentences with their numbers."""
        return list(self.to_dict()["conclusion"])

    def to_csv(self) -> str:
        """One line per point."""
        return self._handle.csv()

    def __repr__(self) -> str:
        data = self.to_dict()
        return f"<ulpscope.Study: {data['study']}, {len(data['cells'])} points>"


def study(
    name: str,
    problem: Union[Problem, StrPath, None] = None,
    *,
    full: bool = False,
    seeds: Optional[int] = None,
    seed: Optional[int] = None,
    resume: Optional[StrPath] = None,
    settings: Iterable[str] = (),
    omit: Iterable[str] = (),
    remainder: Optional[str] = None,
    dtypes: Optional[Mapping[str, str]] = None,
    threads: Optional[int] = None,
    **axes: Union[Value, Iterable[Value]],
) -> Study:
    """Walk a study of ``list_studies()`` over its axes, on its own inputs or on a problem.

    An axis takes a value or several: ``study("accumulate", format=["bf16", "fp32"], length=128)``; without one it walks
    a few seconds' worth, with ``full`` all that it has. ``seeds``: where chance enters, means with "NAME_ci95", half the
    width of a 95% interval. ``resume``: a result file that is kept current, and continued where it exists.
    Raises Error: an unknown study, axis or value.
    """
    options = _core.StudyOptions()
    options.name = as_text("name", name)
    if problem is not None:
        options.set_problem(as_problem(problem))
    if full:
        options.walk_all()
    options.values = {axis: _words(axis, values) for axis, values in axes.items()}
    options.seeds = 1 if seeds is None else as_whole("seeds", seeds) or 0
    options.seed = as_whole("seed", seed) or 0
    options.resume = None if resume is None else as_path("resume", resume)
    options.edits = as_edits(settings, omit, remainder)
    options.dtypes = as_dtypes(dtypes)
    options.threads = as_threads(threads)
    return Study._of(_core.study(options))


def _words(axis: str, values: Any) -> list[str]:
    several = values if isinstance(values, Iterable) and not isinstance(values, str) else [values]
    return as_texts(axis, [str(value) for value in several])


def _number(value: Any) -> Any:
    return float(value) if value in ("nan", "inf", "-inf") else value
