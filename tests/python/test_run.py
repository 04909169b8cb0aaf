# SPDX-License-Identifier: Apache-2.0
"""Runs: the bits that the command writes, for every built-in recipe and backend."""

import subprocess

import numpy as np
import pytest

import ulpscope as us
from ulpscope import _core

RECIPES = [row["name"] for row in us.list_recipes()]


def bits(array):
    return array.tobytes(), array.shape, array.dtype


@pytest.mark.parametrize("recipe", RECIPES)
def test_a_run_is_the_commands_file(command, problem, recipe, tmp_path):
    path, theirs, ours = (tmp_path / name for name in ("problem.safetensors", "theirs.safetensors", "ours.safetensors"))
    problem.write(path)
    arguments = [] if problem.config["seq"] % 4 == 0 else ["--remainder", "truncate"]
    subprocess.run([command, "run", path, "--recipe", recipe, *arguments, "-o", theirs], check=True)
    us.run(problem, us.Recipe(recipe).with_(remainder="truncate")).write(ours)
    assert ours.read_bytes() == theirs.read_bytes()


def test_the_values_are_of_the_slots_format(run):
    assert run.formats["weights"] == "bf16" and run.formats["logits"] == "fp32"
    for slot in run.slots:
        rounded = us.round(run[slot], run.formats[slot])
        assert np.array_equal(rounded, run[slot], equal_nan=True), slot


def test_shapes_are_the_contracts(run):
    assert run["weights"].shape == (1, 5, 8, 16)
    assert run["grad.gate"].shape == run["gate"].shape == (1, 22, 32)
    assert run["output"].shape == (1, 5, 16)


def test_forward_comes_before_backward(run):
    backward = [slot.startswith("grad.") for slot in run.slots]
    assert backward == sorted(backward) and any(backward)


def test_what_is_not_there_has_a_reason(problem, run):
    assert "log_denominator" in run.absent and "log_denominator" not in run
    with pytest.raises(us.Error, match="slot 'log_denominator' is absent: .*"):
        run["log_denominator"]
    with pytest.raises(KeyError, match="unknown slot 'wieghts'"):
        run["wieghts"]
    assert "grad.gate" not in us.run(problem, "hf", gradients=False)


def test_backends_and_threads_give_the_same_bits(problem, run):
    fused = us.run(problem, "hf", backend="fused", threads=3)
    assert fused.backend == "fused" and 2 <= len(fused) < len(run)
    for slot in fused:
        assert bits(fused[slot]) == bits(run[slot]), slot


def test_chunks_decode(problem):
    whole = us.run(problem, "fp32", gradients=False)
    chunked = us.run(problem, "fp32", chunks=[9, 11, 2])
    assert chunked.slots == ["entries.00", "entries.01", "entries.02", "output", "state.kv", "state.gate"]
    assert bits(chunked["output"]) == bits(whole["output"])
    assert chunked["state.kv"].shape[1] == 2
    assert us.compare(problem, chunked).ok
    with pytest.raises(us.Error, match="^chunks add up to 9, but the problem has seq 22"):
        us.run(problem, "fp32", chunks=[9])


def test_a_recipe_may_be_a_name_a_dict_or_an_object(problem, run):
    for recipe in (us.Recipe("hf"), dict(us.Recipe("hf"))):
        assert bits(us.run(problem, recipe)["output"]) == bits(run["output"])


def test_a_problem_may_be_a_path(problem, run, tmp_path):
    problem.write(tmp_path / "p.npz")
    assert bits(us.run(tmp_path / "p.npz", "hf")["grad.gate"]) == bits(run["grad.gate"])


def test_an_input_is_read_where_it_is(problem):
    """A run sees what its caller's array holds, for nothing was copied when the problem was made."""
    hidden = np.array(problem["hidden"])
    mine = us.Problem(problem.config, **{**problem, "hidden": hidden})
    before = us.run(mine, "fp32")["output"].copy()
    hidden *= 2
    assert not np.array_equal(us.run(mine, "fp32")["output"], before)


@pytest.mark.parametrize("backend", ["cuda-of-tomorrow", "file", ""])
def test_an_unknown_backend_is_refused(problem, backend):
    with pytest.raises(us.Error, match="unknown backend .*; known: traced"):
        us.run(problem, "hf", backend=backend)


def test_runs_are_not_made_by_hand():
    with pytest.raises(TypeError):
        us.Run()
    with pytest.raises(TypeError):
        _core.Run()


def test_a_mutant_is_planted_and_refused(problem, tmp_path):
    names = [row["name"] for row in us.list_mutants()]
    assert "gate_ignored" in names and "pads" in [row["name"] for row in us.list_diagnoses()]
    run = us.run(problem, "fp32", mutant="gate_ignored")
    run.write(tmp_path / "dump.safetensors")
    assert us.inspect(tmp_path / "dump.safetensors")["metadata"]["mutant"] == "gate_ignored"
    report = us.compare(problem, run, "fp32")
    assert report.exit == 1 and "weights" in report.summary[0]
    with pytest.raises(us.Error, match="gate_ignored"):
        us.run(problem, "fp32", mutant="gate_ignore")
    with pytest.raises(us.Error, match="traced"):
        us.run(problem, "fp32", backend="fused", mutant="gate_ignored")
