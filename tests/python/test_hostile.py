# SPDX-License-Identifier: Apache-2.0
"""Nothing that is passed in ends the interpreter: every call answers, or raises Error, TypeError or MemoryError."""

import itertools
import math

import ml_dtypes
import numpy as np
import pytest

import ulpscope as us
from ulpscope import _core

RAISED = (us.Error, TypeError, MemoryError)


class Liar:
    """Says that it has memory which nobody has."""

    def __init__(self, **changes):
        self.__array_interface__ = {"version": 3, "shape": (2, 2), "typestr": "<f4", "data": (0, True), **changes}


class Raises:
    def __init__(self, error):
        self.error = error

    def __array__(self, *_, **__):
        raise self.error

    def __index__(self):
        raise self.error

    def __float__(self):
        raise self.error

    def __fspath__(self):
        raise self.error


class Weird:
    __array_interface__ = 3
    __dlpack__ = 3


HOSTILE = [
    None,
    True,
    0,
    -1,
    1 << 63,
    1 << 64,
    1 << 200,
    -(1 << 200),
    1.5,
    math.nan,
    math.inf,
    1j,
    "",
    "x",
    "\0",
    "\ud800",
    "../../etc/passwd",
    "%s%n{}" * 9,
    "a" * 100_000,
    b"bytes",
    bytearray(3),
    [],
    [1, 2],
    [[1], [1, 2]],
    [None],
    {},
    {"a": 1},
    {1: 2},
    {"\ud800": np.zeros(2)},
    {"weights": "text"},
    {"weights": None},
    object(),
    object,
    len,
    Liar(),
    Liar(shape=(1 << 62, 1 << 62)),
    Liar(shape=(-1,)),
    Liar(typestr="|O8"),
    Liar(data=None),
    Weird(),
    Raises(ValueError("no")),
    Raises(RuntimeError("no")),
    Raises(RecursionError()),
    np.zeros(()),
    np.zeros(0),
    np.zeros((0, 3), np.float32),
    np.zeros((2, 0, 1 << 40), np.float32),
    np.zeros((1,) * 32, np.float32),
    np.broadcast_to(np.float32(1), (1 << 12, 1 << 8)),
    np.zeros(3, complex),
    np.zeros(3, object),
    np.zeros(3, "U7"),
    np.zeros(3, "S7"),
    np.zeros(3, "V3"),
    np.zeros(3, "M8[s]"),
    np.zeros(3, np.longdouble),
    np.zeros(3, [("a", "f4"), ("b", "f8")]),
    np.zeros(3, [("a", "f4"), ("b", "f8")])["b"],
    np.ma.masked_array(np.zeros(3, np.float32), mask=True),
    np.zeros(3, ">f4"),
    np.zeros(3, np.uint64),
    np.zeros(3, ml_dtypes.bfloat16),
    np.zeros(3, ml_dtypes.int4),
    memoryview(b"abc"),
    memoryview(bytearray(24)).cast("d"),
    iter([1, 2]),
    (x for x in "ab"),
]
NAMES = [f"{i}-{type(value).__name__}" for i, value in enumerate(HOSTILE)]


@pytest.fixture(autouse=True)
def elsewhere(tmp_path, monkeypatch):
    """Some of these are good names of files to write."""
    monkeypatch.chdir(tmp_path)


def survives(call):
    try:
        return call()
    except RAISED as error:
        assert str(error) or isinstance(error, MemoryError)
        return error
    except RecursionError:
        return None
    except (ValueError, RuntimeError) as error:
        assert str(error) == "no"  # the argument's own exception
        return error


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_input_array(problem, value):
    for name in (*us._problem.REQUIRED, *us._problem.OPTIONAL):
        answer = survives(lambda: us.Problem(problem.config, **{**problem, name: value}))
        if isinstance(answer, us.Problem):
            survives(lambda: us.run(answer, "hf"))
            assert answer[name].shape == problem.get(name, answer.get(name)).shape if name in problem else True


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_argument_of_a_problem(problem, value):
    survives(lambda: us.Problem(value, **problem))
    survives(lambda: us.Problem(problem.config, **problem, dtypes=value))
    survives(lambda: us.Problem.make(value))
    survives(lambda: us.Problem.read(value))
    survives(lambda: problem[value])
    for name in ("seed", "head_dim", "gate_sigma", "ape_sigma", "threads"):
        survives(lambda: us.Problem.make("small-csa", **{"seq": 8, "hidden": 8, name: value}))
    for name in problem.config:
        survives(lambda: us.Problem({**problem.config, name: value}, **problem))


@pytest.mark.parametrize("name", ["batch", "seq", "hidden", "head_dim"])
@pytest.mark.parametrize("size", [0, 1, 1 << 40, 1 << 62, (1 << 64) - 1, 1 << 64])
def test_any_size_of_a_problem(name, size):
    survives(lambda: us.Problem.make("small-csa", **{"batch": 1, "seq": 8, "hidden": 8, name: size}))


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_recipe(problem, value):
    survives(lambda: us.Recipe(value))
    survives(lambda: us.Recipe.read(value))
    recipe = us.Recipe("hf")
    survives(lambda: recipe.with_(value))
    for name in ("omit", "remainder", "seed"):
        survives(lambda: recipe.with_(**{name: value}))
    for name in recipe:
        changed = survives(lambda: us.Recipe({**recipe, name: value}))
        if isinstance(changed, us.Recipe):
            survives(lambda: us.run(problem, changed))
    for stage, field in itertools.product(("softmax", "project_kv", "rope_table"), ("compute", "storage", "summation", "exp")):
        stages = {**recipe["stages"], stage: {**recipe["stages"][stage], field: value}}
        changed = survives(lambda: us.Recipe({**recipe, "stages": stages}))
        if isinstance(changed, us.Recipe):
            survives(lambda: us.run(problem, changed))


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_argument_of_a_run(problem, run, value):
    survives(lambda: us.run(value, "hf"))
    survives(lambda: us.run(problem, value))
    for name in ("backend", "threads", "chunks"):
        survives(lambda: us.run(problem, "hf", **{name: value}))
    survives(lambda: run[value])
    survives(lambda: run.write(value if not isinstance(value, str) else f"/nowhere/{value}"))


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_argument_of_a_comparison(problem, run, value):
    dump = {"weights": run["weights"]}
    survives(lambda: us.compare(value, dump, "hf"))
    survives(lambda: us.compare(problem, value, "hf"))
    survives(lambda: us.compare(problem, {"weights": value}, "hf"))
    survives(lambda: us.compare(problem, dump, value))
    names = ("settings", "omit", "remainder", "map", "dtypes", "truth", "basis", "slots", "rtol", "atol", "ulp", "threads")
    for name in names:
        survives(lambda: us.compare(problem, dump, "hf", **{name: value}))
    survives(lambda: us.diff(value, dump, problem=problem))
    survives(lambda: us.diff(dump, dump, problem=value))


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_argument_of_a_report(problem, value):
    for name in ("problems", "presets", "basis", "backend", "truth", "fail_on", "settings", "dtypes"):
        arguments = {"problems": problem, "recipes": "fp32", name: value}
        if name == "problems" and (value is None or value == [] if not isinstance(value, np.ndarray) else False):
            continue  # the usual two problems
        survives(lambda: us.report(**arguments))
    survives(lambda: us.report(problem, value if value is not None else [value]))


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_argument_of_round(value):
    survives(lambda: us.round(value, "bf16"))
    survives(lambda: us.round(np.ones(3), value))
    survives(lambda: us.round(np.ones(3), "bf16", out=value))


@pytest.mark.parametrize("value", HOSTILE, ids=NAMES)
def test_any_argument_of_the_compiled_module(problem, run, value):
    """The Python files check first; what they call does not trust them."""
    for dtype in ("F32", "F64", "U8", "BOOL", "nothing"):
        survives(lambda: _core.tensor("x", value, dtype))
    for function in (_core.inspect, _core.list, _core.Recipe.load, _core.Recipe.from_json, _core.report, _core.compare, _core.diff):
        survives(lambda: function(value))
    survives(lambda: _core.round_into(value, value, "bf16"))
    survives(lambda: _core.execute(value, value, value))
    survives(lambda: _core.Problem.from_arrays("{}", value, []))
    options = _core.CompareOptions()
    survives(lambda: options.set_problem(value))
    survives(lambda: options.set_dump(value, "x"))
    survives(lambda: options.set_recipe(value))
    survives(lambda: _core.compare(options))


@pytest.mark.parametrize("kind", ["Problem", "Recipe", "Run", "Report"])
def test_objects_without_a_body_are_refused(kind):
    class_ = getattr(us, kind)
    hollow = class_.__new__(class_)
    for name in ("names", "slots", "to_json", "config", "sha256", "name", "exit"):
        if hasattr(class_, name):
            with pytest.raises(AttributeError):
                attribute = getattr(hollow, name)
                attribute()


def test_a_null_recipe_or_problem_is_refused(problem):
    options = _core.ExecuteOptions("traced", [], 1)
    for arguments in ((None, _core.Recipe.load("hf")), (problem._handle, None)):
        with pytest.raises((TypeError, us.Error)):
            _core.execute(*arguments, options)
    empty = _core.CompareOptions()
    with pytest.raises(RAISED):
        empty.set_recipe(None)
    with pytest.raises(RAISED):
        empty.set_problem(None)


def test_values_that_are_not_numbers_run(problem):
    for value in (math.nan, math.inf, -math.inf, 3e38, 1e-45, -0.0):
        inputs = {name: np.full_like(problem[name], value) for name in problem}
        for recipe in ("fp32", "hf", "fp16-pure", "maxtext"):
            bad = us.Problem(problem.config, **inputs)
            run = us.run(bad, recipe)
            report = us.compare(bad, run)
            assert report.exit in (0, 1, 3)
            assert report._repr_html_() and report.to_json() and str(report)


def test_deep_json_is_refused():
    deep = {}
    for _ in range(100_000):
        deep = {"a": deep}
    with pytest.raises(us.Error, match="deep"):
        us.Recipe(deep)
    while deep:  # so that nobody's destructor recurses
        deep = deep.pop("a")


def test_cyclic_json_is_refused():
    cyclic = {"name": "x"}
    cyclic["stages"] = cyclic
    with pytest.raises(us.Error):
        us.Recipe(cyclic)
