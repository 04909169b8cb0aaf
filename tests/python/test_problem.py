# SPDX-License-Identifier: Apache-2.0
"""Problems: drawn, read, written, made of arrays; their errors are the command's sentences."""

import subprocess

import numpy as np
import pytest

import ulpscope as us
from conftest import SIZES


def test_make_gives_the_commands_bytes(command, problem, tmp_path):
    theirs, ours = tmp_path / "theirs.safetensors", tmp_path / "ours.safetensors"
    sizes = [f"--{name.replace('_', '-')}={value}" for name, value in SIZES.items()]
    subprocess.run([command, "make", "--preset", "small-csa", "--seed", "3", *sizes, "-o", theirs], check=True)
    problem.write(ours)
    assert ours.read_bytes() == theirs.read_bytes()


@pytest.mark.parametrize("suffix", ["safetensors", "npz"])
def test_a_file_is_the_same_problem(problem, tmp_path, suffix):
    path = tmp_path / f"problem.{suffix}"
    problem.write(path)
    again = us.Problem.read(path)
    assert again.sha256 == problem.sha256
    assert again.config == problem.config
    assert again.names == problem.names == ["hidden", "w_kv", "w_gate", "ape", "gamma", "cotangent"]
    for name in problem:
        assert np.array_equal(again[name], problem[name])


def test_arrays_make_the_same_problem(problem):
    again = us.Problem(problem.config, **{name: problem[name] for name in problem})
    assert again.sha256 == problem.sha256
    assert again.source == "arrays"


def test_a_config_makes_what_its_preset_makes(problem):
    again = us.Problem.make(problem.config, seed=3)
    assert again.sha256 == problem.sha256
    assert us.Problem.make(problem.config, seed=4).sha256 != problem.sha256


def test_the_spreads_are_the_callers(problem):
    wide = us.Problem.make("small-csa", seed=3, gate_sigma=3.0, ape_sigma=0, **SIZES)
    # 3 is twice the usual spread; both are rounded to bf16 after scaling
    assert np.allclose(wide["w_gate"], 2 * problem["w_gate"], rtol=2**-7)
    assert not wide["ape"].any()


@pytest.mark.parametrize(
    "sentence, call",
    [
        ("unknown preset 'smol'", lambda p: us.Problem.make("smol")),
        ("tensor 'gamma' of shape .* is missing", lambda p: us.Problem(p.config, **{n: p[n] for n in p if n != "gamma"})),
        ("unknown tensor 'beta'", lambda p: us.Problem(p.config, **dict(p), beta=p["gamma"])),
        ("'gamma' must have shape", lambda p: us.Problem(p.config, **{**p, "gamma": p["ape"]})),
        ("must come together", lambda p: us.Problem(p.config, **dict(p), prior_kv=np.zeros((1, 4, 32), np.float32))),
        ("ratio", lambda p: us.Problem.make({**p.config, "ratio": 0})),
        ("eps", lambda p: us.Problem.make({**p.config, "eps": float("nan")})),
        ("nowhere.safetensors", lambda p: us.Problem.read("/nowhere.safetensors")),
        ("unknown input 'beta'", lambda p: p["beta"]),
    ],
)
def test_errors_say_what_is_wrong(problem, sentence, call):
    with pytest.raises(us.Error, match=sentence):
        call(problem)


def test_a_problem_is_a_mapping(problem):
    assert "hidden" in problem and "beta" not in problem and problem.get("beta") is None
    assert dict(problem).keys() == set(problem.names)
    assert "small-csa" in repr(problem)
