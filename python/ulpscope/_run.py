# SPDX-License-Identifier: Apache-2.0
"""Run: a recipe on a problem, every slot of it an array."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Optional, Union

from . import _core
from ._arrays import Arrays
from ._problem import Problem
from ._recipe import Recipe
from ._values import StrPath, as_sizes, as_text, as_threads


class Run(Arrays):
    """What a recipe computed: ``run["weights"]`` [B,n,L,d], ``run["grad.gate"]`` [B,S,c*d] (``list_slots()``).

    Arrays are read-only views of the run's own memory and keep it alive. They are float32 or float64 and hold the values
    of the slot's format, ``run.formats[slot]``, exactly. A slot that is not there has a reason in ``run.absent``.
    """

    _handle: _core.Run
    _key = "a slot's name"
    problem: Problem
    recipe: Recipe

    def __init__(self) -> None:
        raise TypeError("runs are made by ulpscope.run(problem, recipe)")

    @classmethod
    def _of(cls, run: _core.Run, problem: Problem, recipe: Recipe) -> Run:
        self = cls.__new__(cls)
        self._handle = run
        self.problem = problem
        self.recipe = recipe
        return self

    @property
    def slots(self) -> list[str]:
        """The slots that it holds; of a run in chunks: entries.KK, output, state.kv, state.gate."""
        return self._handle.names()

    @property
    def absent(self) -> dict[str, str]:
        """Why slots of the contract are not there."""
        return self._handle.absent()

    @property
    def formats(self) -> dict[str, str]:
        """The format that each slot's values have: "bf16", "fp32"."""
        return self._handle.formats()

    @property
    def backend(self) -> str:
        return self._handle.backend()

    def __repr__(self) -> str:
        return f"<ulpscope.Run of {self.recipe.name} on {self.problem.source}: {len(self)} slots>"


def run(
    problem: Union[Problem, StrPath],
    recipe: Union[str, Recipe, Mapping[str, Any]],
    *,
    backend: str = "traced",
    gradients: bool = True,
    threads: Optional[int] = None,
    chunks: Optional[Iterable[int]] = None,
    mutant: Optional[str] = None,
) -> Run:
    """Run a recipe on a problem.

    ``backend``: one of ``list_backends()``; "traced" keeps every slot, "fused" the output and the gradients of inputs.
    ``chunks``: tokens per call of decoding, [9, 1, 1]; forward only. ``mutant``: one of ``list_mutants()``, a known bug
    of ports to plant in the run, to see what a comparison sees of it. Bits depend on neither ``threads`` nor machine.
    Raises Error: what the recipe refuses (a remainder, a config) or does not know. Ctrl-C ends it.
    """
    if not isinstance(problem, Problem):
        problem = Problem.read(problem)
    if not isinstance(recipe, Recipe):
        recipe = Recipe(recipe)
    options = _core.ExecuteOptions(as_text("backend", backend), as_sizes("chunks", chunks), as_threads(threads))
    if not gradients:
        options.leave_out_gradients()
    if mutant is not None:
        options.plant(as_text("mutant", mutant))
    return Run._of(_core.execute(problem._handle, recipe._handle, options), problem, recipe)
