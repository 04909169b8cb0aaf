# SPDX-License-Identifier: Apache-2.0
"""Types: the package passes mypy --strict, its users see them, and the stub says what the compiled module has."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import ulpscope as us
from ulpscope import _core

PACKAGE = Path(us.__file__).parent

USER = """
import numpy as np
import ulpscope as us

problem = us.Problem.make("small-csa", seed=1)
weights: np.ndarray = us.run(problem, us.Recipe("hf"), threads=2)["weights"]
report: us.Report = us.compare(problem, {"weights": weights}, "hf", rtol=1e-3)
code: int = report.exit
rows: list[dict[str, object]] = report.rows
"""
WRONG = """
import ulpscope as us

us.run(us.Problem.make("small-csa"), 3)
us.compare("p", "d", rtol="a")
us.nothing
"""


def mypy(path, cache, *options):
    pytest.importorskip("mypy")
    answer = subprocess.run(
        [sys.executable, "-m", "mypy", "--cache-dir", cache, *options, path], capture_output=True, text=True, check=False
    )
    return answer.returncode, answer.stdout + answer.stderr


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("mypy")


def test_the_package_is_typed(cache):
    code, text = mypy(PACKAGE.resolve(), cache, "--strict")
    assert code == 0, text
    assert (PACKAGE / "py.typed").exists()


def test_a_user_sees_the_types(cache, tmp_path):
    for name, source, expected in (("user.py", USER, 0), ("wrong.py", WRONG, 1)):
        (tmp_path / name).write_text(source)
        code, text = mypy(tmp_path / name, cache, "--strict")
        assert code == expected, text
    assert text.count("error:") == 3, text


def public(names):
    return {name for name in names if not name.startswith("_")}


def members(class_):
    return public(vars(class_))


def test_the_stub_names_what_the_module_has():
    tree = ast.parse((PACKAGE / "_core.pyi").read_text())
    stub_classes, stub_names = {}, {"version"}
    for node in tree.body:
        if isinstance(node, ast.ClassDef):
            named = [child for child in node.body if isinstance(child, ast.FunctionDef)]
            fields = [child.target.id for child in node.body if isinstance(child, ast.AnnAssign)]
            stub_classes[node.name] = public([child.name for child in named] + fields)
        elif isinstance(node, ast.FunctionDef):
            stub_names.add(node.name)
    module = {name: value for name, value in vars(_core).items() if not name.startswith("_")}
    assert {name for name, value in module.items() if not isinstance(value, type)} == stub_names
    assert {name: members(value) for name, value in module.items() if isinstance(value, type)} == stub_classes


@pytest.mark.parametrize("name", us.__all__)
def test_everything_public_says_what_it_is(name):
    assert name == "__version__" or getattr(us, name).__doc__
