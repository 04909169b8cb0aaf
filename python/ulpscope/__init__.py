# SPDX-License-Identifier: Apache-2.0
"""ulpscope: reference validation and numerics of the DeepSeek-V4 token compressor.

>>> import ulpscope as us
>>> problem = us.Problem.make("small-csa", seed=1)     # or Problem(config, hidden=..., w_kv=..., ...)
>>> run = us.run(problem, "hf")                        # every slot and gradient: run["weights"], run["grad.gate"]
>>> report = us.compare(problem, {"pooled": mine}, "hf")
>>> report.ok, print(report)

The command is ``python -m ulpscope`` too. What stands in a sentence of the command stands in an ``Error`` here.
"""

from ._core import Error
from ._core import version as __version__
from ._baseline import Check, bless, check
from ._problem import Problem
from ._recipe import Recipe
from ._report import Report, compare, diff, report
from ._run import Run, run
from ._study import Study, study
from ._tables import (
    convert,
    inspect,
    list_backends,
    list_diagnoses,
    list_exps,
    list_formats,
    list_maps,
    list_metrics,
    list_mutants,
    list_pads,
    list_presets,
    list_recipes,
    list_slots,
    list_softmax,
    list_stages,
    list_studies,
    list_summations,
    list_vjps,
    round,
    selftest,
)

__all__ = [
    "Check",
    "Error",
    "Problem",
    "Recipe",
    "Report",
    "Run",
    "Study",
    "__version__",
    "bless",
    "check",
    "compare",
    "convert",
    "diff",
    "inspect",
    "list_backends",
    "list_diagnoses",
    "list_exps",
    "list_formats",
    "list_maps",
    "list_metrics",
    "list_mutants",
    "list_pads",
    "list_presets",
    "list_recipes",
    "list_slots",
    "list_softmax",
    "list_stages",
    "list_studies",
    "list_summations",
    "list_vjps",
    "report",
    "round",
    "run",
    "selftest",
    "study",
]
