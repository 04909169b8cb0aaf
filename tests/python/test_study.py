# SPDX-License-Identifier: Apache-2.0
"""Studies: the command's results, as cells of Python values."""

import json
import subprocess

import pytest

import ulpscope as us


def test_results_are_the_commands(command):
    line = [command, "study", "accumulate", "--format", "bf16", "--length", "8,128", "--seeds", "3", "--json", "-"]
    theirs = json.loads(subprocess.run(line, stdout=subprocess.PIPE, check=True).stdout)
    ours = us.study("accumulate", format="bf16", length=[8, 128], seeds=3)
    for part in ("axes", "cells", "conclusion", "complete"):
        assert ours.to_dict()[part] == theirs[part]
    assert ours.question == theirs["question"] and ours.conclusion == theirs["conclusion"]


def test_cells_are_flat():
    found = us.study("accumulate", summation="sequential", format="bf16", data="equal")
    (cell,) = found.cells
    assert (cell["summation"], cell["length"]) == ("sequential", "128")
    assert cell["worst"] == pytest.approx(0.11875, rel=1e-12)  # 1.25 becomes 1.1015625
    assert "0.119" in str(found)
    assert found.to_csv().splitlines()[0].startswith("summation,format,length,data,rms")
    assert "<table" in found._repr_html_() and "| sequential" not in found._repr_html_()
    assert "accumulate" in repr(found) and "accumulate" in found.to_markdown()


def test_a_problem_is_asked(problem):
    found = us.study("accumulate", problem, summation="exact", format="fp32")
    assert found.to_dict()["problem"]["sha256"] == problem.sha256
    assert found.cells[0]["data"] == "given"


def test_what_was_kept_is_continued(tmp_path):
    kept = tmp_path / "sums.json"
    first = us.study("accumulate", format="bf16", resume=kept)
    assert json.loads(kept.read_text())["complete"]
    again = us.study("accumulate", format=["bf16", "fp16"], resume=kept)
    assert again.cells[: len(first.cells)] != again.cells
    assert all(cell in again.cells for cell in first.cells)


def test_bad_input_is_an_error(tmp_path):
    for arguments, options, tells in (
        (("nothing",), {}, "unknown study 'nothing'"),
        (("accumulate",), {"colour": "red"}, "unknown axis 'colour'; known: summation format length data"),
        (("accumulate",), {"data": "blue"}, "unknown value 'blue'"),
        (("accumulate",), {"length": []}, "length: no value given"),
        (("accumulate",), {"seeds": 0}, "seeds: at least 1"),
        (("accumulate",), {"seeds": -1}, "seeds must be a whole number"),
        (("accumulate", "absent.safetensors"), {}, "absent.safetensors"),
        (("accumulate",), {"resume": tmp_path}, str(tmp_path)),
    ):
        with pytest.raises(us.Error, match=tells.replace("(", r"\(")):
            us.study(*arguments, **options)
    with pytest.raises(TypeError, match="Study objects are made by ulpscope.study"):
        us.Study()
