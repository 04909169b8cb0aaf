# SPDX-License-Identifier: Apache-2.0
"""Report: what a verb found, as data, as tables for a terminal, as Markdown and in a notebook."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from . import _core
from ._found import Found
from ._problem import Problem
from ._recipe import Recipe
from ._run import Run
from ._values import (
    StrPath,
    as_dtypes,
    as_dump,
    as_edits,
    as_json,
    as_path,
    as_problem,
    as_recipe,
    as_text,
    as_texts,
    as_threads,
    as_tolerance,
    as_whole,
)

AnyRecipe = Union[str, Recipe, Mapping[str, Any]]
AnyProblem = Union[Problem, StrPath]
AnyDump = Union[Run, Mapping[str, Any], StrPath]


class Report(Found):
    """A report of the schema "ulpscope.report/1". ``str(report)`` is the command's table; a notebook shows HTML."""

    _made_by = "ulpscope.report, ulpscope.compare and ulpscope.diff"

    @property
    def exit(self) -> int:
        """The command's exit code: 0 all pass, 1 a numerical failure, 3 undecided."""
        return self._handle.exit

    @property
    def ok(self) -> bool:
        return self.exit == 0

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of all runs, one per slot, each with its run's ``problem`` (an index), ``recipe`` and ``backend``."""
        return [
            {"problem": run["problem"], "recipe": run["recipe"], "backend": run["backend"], **row}
            for run in self.to_dict()["runs"]
            for row in run["rows"]
        ]

    @property
    def underflow(self) -> list[dict[str, Any]]:
        """The ledger lines of all runs: per slot what became 0, by which mechanism, and what it cost; with their run's
        ``problem``, ``recipe`` and ``backend``. ``sentence`` is None where a line has nothing to say."""
        return [
            {"problem": run["problem"], "recipe": run["recipe"], "backend": run["backend"], **line}
            for run in self.to_dict()["runs"]
            for line in run["underflow"]
        ]

    @property
    def nonfinite(self) -> list[dict[str, Any]]:
        """The birth certificates of all runs: where NaN and infinities that the truth does not have were born, of which
        operation, where they went, and which change was run and cured them."""
        return [
            {"problem": run["problem"], "recipe": run["recipe"], "backend": run["backend"], **birth}
            for run in self.to_dict()["runs"]
            for birth in run["nonfinite"]
        ]

    @property
    def owners(self) -> list[dict[str, Any]]:
        """Whose error the target's is: the stages of all runs in program order, each with its signed ``share`` (they sum
        to 1 over a run; None where there is no error), its ``share_radius`` (what the share is known within; None: the
        tier of truth has no radii), ``target``, and its run's ``problem``, ``recipe``, ``backend``."""
        return [
            {"problem": run["problem"], "recipe": run["recipe"], "backend": run["backend"], **found}
            for run in self.to_dict()["runs"]
            if run["attribution"] is not None
            for found in ({"target": run["attribution"]["target"], **owner} for owner in run["attribution"]["owners"])
        ]

    @property
    def summary(self) -> list[str]:
        """What was found, in sentences."""
        return list(self.to_dict()["summary"])

    def to_junit(self) -> str:
        """One test case per slot, for continuous integration."""
        return self._handle.junit()

    def __repr__(self) -> str:
        return f"<ulpscope.Report: {' '.join(self.summary[:1]) or f'exit {self.exit}'}>"


def _several(values: Any, single: tuple[type, ...]) -> list[Any]:
    if values is None:
        return []
    return [values] if isinstance(values, single) else list(values)


def report(
    problems: Union[AnyProblem, Iterable[AnyProblem], None] = None,
    recipes: Union[AnyRecipe, Iterable[AnyRecipe], None] = None,
    *,
    presets: Iterable[str] = (),
    settings: Iterable[str] = (),
    omit: Iterable[str] = (),
    remainder: Optional[str] = None,
    seed: Optional[int] = None,
    backend: str = "traced",
    truth: Optional[str] = None,
    cache: Optional[StrPath] = None,
    basis: Optional[str] = None,
    target: Optional[str] = None,
    attribution: str = "ladder",
    fail_on: Iterable[str] = (),
    dtypes: Optional[Mapping[str, str]] = None,
    threads: Optional[int] = None,
) -> Report:
    """Run recipes on problems and measure every slot against the truth.

    Without problems and presets: small-csa and small-hca, drawn with ``seed``; without recipes: fp32, native, hf, pr3810,
    maxtext, bf16-pure. ``settings``, ``omit``, ``remainder`` change every recipe. ``basis``: "quantized" (inputs rounded
    as the recipe does; for one recipe) or "given". ``fail_on``: "fail", "undecided", "rms_rel>1e-2"
    (``list_metrics()``): when ``exit`` is not 0. ``truth``: "fp64", "certified" (each value with a proven radius; the
    default without problems and presets) or "mpfr" (266 bits, slow); a slot whose truth cannot be had is undecided.
    ``cache``: a folder where certified and mpfr truths are kept for the next call; any number of processes may share it.
    ``target``: the slot whose error is split into its owners (``output``); ``attribution``: "ladder", "tangent" or
    "switch".
    """
    options = _core.ReportOptions()
    for problem in _several(problems, (Problem, str, bytes) if not hasattr(problems, "__fspath__") else (object,)):
        options.add_problem(as_problem(problem))
    for recipe in _several(recipes, (str, Mapping)):
        options.add_recipe(as_recipe(recipe)._handle)
    options.presets = as_texts("presets", presets)
    options.edits = as_edits(settings, omit, remainder)
    options.seed = as_whole("seed", seed) or 0
    options.backend = as_text("backend", backend)
    options.truth = None if truth is None else as_text("truth", truth)
    if cache is not None:
        options.set_cache(as_path("cache", cache))
    options.basis = None if basis is None else as_text("basis", basis)
    options.target = None if target is None else as_text("target", target)
    options.attribution = as_text("attribution", attribution)
    options.fail_on = as_texts("fail_on", fail_on)
    options.dtypes = as_dtypes(dtypes)
    options.threads = as_threads(threads)
    return Report._of(_core.report(options))


def compare(
    problem: AnyProblem,
    dump: AnyDump,
    recipe: Optional[AnyRecipe] = None,
    *,
    settings: Iterable[str] = (),
    omit: Iterable[str] = (),
    remainder: Optional[str] = None,
    map: Union[Mapping[str, str], StrPath, None] = None,
    dtypes: Optional[Mapping[str, str]] = None,
    truth: str = "fp64",
    cache: Optional[StrPath] = None,
    basis: str = "quantized",
    target: Optional[str] = None,
    attribution: str = "ladder",
    slots: Optional[str] = None,
    rtol: Optional[float] = None,
    atol: Optional[float] = None,
    ulp: Optional[float] = None,
    equal_nan: bool = False,
    threads: Optional[int] = None,
) -> Report:
    """Is this dump what the recipe explains, and where does it first differ?

    ``dump``: a Run, arrays by slot (any subset of ``list_slots()``), or a file. Each slot is computed anew from the
    dump's own nearest slots in the recipe's arithmetic; without a recipe, the one that the dump names itself.
    ``map``: names of yours to slots, {"their.name": "weights"}, regular expressions allowed, or a JSON file.
    ``slots``: only those whose whole name matches. ``rtol``, ``atol``, ``ulp``: judged by a tolerance on the truth
    instead, |x - truth| <= atol + rtol |truth|. ``truth``, ``cache``: as for `report`; elements that a radius leaves
    open make a slot undecided. ``target``, ``attribution``: as in `report`. Without a tolerance each slot's distance from
    the truth is judged too, by 6 sigma of the recipe's roundings (32 more runs; not above 2^31 operations).
    """
    options = _core.CompareOptions()
    options.set_problem(as_problem(problem))
    options.set_dump(as_dump(dump), f"run of {dump.recipe.name}" if isinstance(dump, Run) else "arrays")
    if recipe is not None:
        options.set_recipe(as_recipe(recipe)._handle)
    options.edits = as_edits(settings, omit, remainder)
    _set_map(options, map)
    options.dtypes = as_dtypes(dtypes)
    options.truth = as_text("truth", truth)
    if cache is not None:
        options.set_cache(as_path("cache", cache))
    options.basis = as_text("basis", basis)
    options.target = None if target is None else as_text("target", target)
    options.attribution = as_text("attribution", attribution)
    options.slots = None if slots is None else as_text("slots", slots)
    options.tolerance = as_tolerance(rtol, atol, ulp, equal_nan)
    options.threads = as_threads(threads)
    return Report._of(_core.compare(options))


def diff(
    first: AnyDump,
    second: AnyDump,
    *,
    problem: Optional[AnyProblem] = None,
    map: Union[Mapping[str, str], StrPath, None] = None,
    dtypes: Optional[Mapping[str, str]] = None,
    slots: Optional[str] = None,
    rtol: Optional[float] = None,
    atol: Optional[float] = None,
    ulp: Optional[float] = None,
    equal_nan: bool = False,
    threads: Optional[int] = None,
) -> Report:
    """Two dumps, slot by slot: bits, unless a tolerance is given. ``problem``: where neither dump carries a config."""
    options = _core.DiffOptions()
    options.set_dumps(as_dump(first), as_dump(second))
    if problem is None:
        problem = next((dump.problem for dump in (first, second) if isinstance(dump, Run)), None)
    if problem is not None:
        options.set_problem(as_problem(problem))
    _set_map(options, map)
    options.dtypes = as_dtypes(dtypes)
    options.slots = None if slots is None else as_text("slots", slots)
    options.tolerance = as_tolerance(rtol, atol, ulp, equal_nan)
    options.threads = as_threads(threads)
    return Report._of(_core.diff(options))


def _set_map(options: Union[_core.CompareOptions, _core.DiffOptions], names: Any) -> None:
    if isinstance(names, Mapping):
        options.set_map(as_json("map", names))
    elif names is not None:
        options.set_map_file(as_path("map", names))
