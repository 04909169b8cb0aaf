# SPDX-License-Identifier: Apache-2.0
"""Tables, files, self-test: the command's verbs that need no object."""

import json
import subprocess

import numpy as np
import pytest

import ulpscope as us
from ulpscope import _core


@pytest.mark.parametrize("topic", _core.list_topics())
def test_every_table_of_the_command_has_a_function(command, topic):
    answer = subprocess.run([command, "list", topic, "--json"], stdout=subprocess.PIPE, check=True)
    assert getattr(us, f"list_{topic}")() == json.loads(answer.stdout)
    assert f"list_{topic}" in us.__all__


def test_the_version_is_the_commands(command):
    answer = subprocess.run([command, "--version"], stdout=subprocess.PIPE, check=True, text=True)
    assert answer.stdout.split()[1] == us.__version__


def test_inspect_and_convert(problem, tmp_path):
    source, target = tmp_path / "p.safetensors", tmp_path / "p.npz"
    problem.write(source)
    us.convert(source, target)
    assert us.Problem.read(target).sha256 == problem.sha256
    rows = {row["name"]: row for row in us.inspect(target)["tensors"]}
    assert rows["gamma"]["shape"] == [16] and rows["gamma"]["max"] == pytest.approx(float(problem["gamma"].max()))
    with np.load(target) as arrays:
        assert np.array_equal(arrays["gamma"], problem["gamma"])
    with pytest.raises(us.Error, match="the output is the input itself"):
        us.convert(source, source)


@pytest.mark.slow
def test_the_selftest_passes():
    rows = us.selftest()
    assert len(rows) > 4 and {row["status"] for row in rows} == {"ok"}
