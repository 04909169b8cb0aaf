# SPDX-License-Identifier: Apache-2.0
"""Baselines from Python: a port's dumps, blessed and checked."""

import json

import pytest

import ulpscope as us


@pytest.fixture
def files(tmp_path, problem):
    problem.write(tmp_path / "problem.safetensors")
    us.run(problem, "fp32").write(tmp_path / "port.safetensors")
    return tmp_path


def blessed(files):
    us.bless(files / "problem.safetensors", "fp32", files / "baseline.json", dumps=files / "port.safetensors")
    return files / "baseline.json"


def test_what_was_blessed_passes(files):
    check = us.check(blessed(files))
    assert check.ok and check.exit == 0 and check.changes == []
    assert "have the blessed bits" in check.summary[0] and "have the blessed bits" in str(check)
    assert 'failures="0"' in check.to_junit()
    assert "blessed by ulpscope" in check._repr_html_() and "ok" in repr(check)


def test_a_bug_fails_and_is_named(files, problem):
    baseline = blessed(files)
    us.run(problem, us.Recipe("fp32").with_("pool.accumulate=bf16")).write(files / "port.safetensors")
    check = us.check(baseline)
    assert not check.ok
    failed = [change["slot"] for change in check.changes if change["status"] == "fail"]
    assert "pooled" in failed
    assert all(change["direction"] == "worse" for change in check.changes if change["slot"] == "pooled")


def test_several_problems_and_recipes(files):
    us.bless([files / "problem.safetensors"], ["fp32", "hf"], files / "runs.json")
    assert len(json.loads((files / "runs.json").read_text())["runs"]) == 2
    assert us.check(files / "runs.json", factor=1).ok


def test_presets_and_settings_are_the_commands(files):
    us.bless([], "fp32", files / "drawn.json", presets=["small-csa"], seed=5, settings=["pool.storage=bf16"], basis="given")
    drawn = json.loads((files / "drawn.json").read_text())
    assert drawn["problems"]["preset small-csa, seed 5"]["seed"] == 5
    assert drawn["basis"] == "given"
    assert us.check(files / "drawn.json").ok


def test_truths_are_kept_and_read_again(files):
    arguments = (files / "problem.safetensors", "fp32", files / "baseline.json")

    def check(kept):
        return us.check(files / "baseline.json", cache=files / kept).to_dict()["runs"]

    us.bless(*arguments, truth="certified", cache=files / "truths")
    one = [path.read_bytes() for path in (files / "truths").iterdir()]
    assert len(one) >= 1
    fresh, again = check("others"), check("truths")
    assert fresh == again
    assert [path.read_bytes() for path in (files / "others").iterdir()] == one
    assert json.loads((files / "baseline.json").read_text())["truth"] == "certified"
    us.bless(*arguments, cache=files / "none")
    assert not (files / "none").exists()  # fp64 is sooner computed than read


def test_bad_input_is_an_error(files):
    baseline = blessed(files)
    for call, tells in (
        (lambda: us.check(files / "absent.json"), "absent.json"),
        (lambda: us.check(baseline, factor=0.5), "--factor"),
        (lambda: us.check(3), "baseline must be a path"),
        (lambda: us.bless(files / "problem.safetensors", "hff", files / "b.json"), "unknown recipe 'hff'"),
        (lambda: us.bless(3, "hf", files / "b.json"), "problems must be a path"),
        (lambda: us.bless(files / "problem.safetensors", "hf", files / "b.json", truth="gold"), "unknown truth 'gold'"),
        (lambda: us.bless(files / "problem.safetensors", "hf", files / "b.json", cache=3), "cache must be a path"),
        (lambda: us.bless(files / "problem.safetensors", "hf", files / "b.json", basis="none"), "basis"),
        (lambda: us.check(baseline, cache=3), "cache must be a path"),
        (lambda: us.bless(files / "problem.safetensors", "hf", files / "no" / "b.json"), "no"),
        (lambda: us.bless(files / "problem.safetensors", "hf", files / "problem.safetensors"), "problem.safetensors"),
    ):
        with pytest.raises(us.Error, match=tells):
            call()
    with pytest.raises(TypeError, match="Check objects are made by ulpscope.check"):
        us.Check()
