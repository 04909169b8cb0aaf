# SPDX-License-Identifier: Apache-2.0
"""Reports: the command's JSON and tables; dumps from memory judged as from files."""

import json
import subprocess
from html.parser import HTMLParser

import numpy as np
import pytest

import ulpscope as us


def without_provenance(report):
    return {key: value for key, value in report.items() if key not in ("provenance", "problems")}


def commands_report(command, *arguments):
    answer = subprocess.run([command, *arguments, "--json", "-"], stdout=subprocess.PIPE, check=False)
    return answer.returncode, json.loads(answer.stdout)


def test_report_is_the_commands(command, problem, tmp_path):
    path = tmp_path / "p.safetensors"
    problem.write(path)
    code, theirs = commands_report(command, "report", path, "--recipe", "fp32", "--recipe", "hf")
    ours = us.report(us.Problem.read(path), ["fp32", "hf"])
    assert ours.exit == code == 0 and ours.ok
    assert without_provenance(ours.to_dict()) == without_provenance(theirs)
    assert ours.to_dict()["schema"] == "ulpscope.report/1"


def test_compare_is_the_commands(command, problem, run, tmp_path):
    path, dump = tmp_path / "p.safetensors", tmp_path / "d.safetensors"
    problem.write(path)
    run.write(dump)
    code, theirs = commands_report(command, "compare", path, dump, "--recipe", "fp32")
    ours = us.compare(us.Problem.read(path), dump, "fp32")
    assert ours.exit == code == 1 and not ours.ok
    assert without_provenance(ours.to_dict()) == without_provenance(theirs)


def test_the_ledger_is_in_the_report(problem):
    report = us.report(problem, ["fp32", "bf16-pure"])
    lines = {(line["recipe"], line["slot"]): line for line in report.underflow}
    assert len(lines) == len(report.underflow) == sum(len(run["underflow"]) for run in report.to_dict()["runs"])
    for recipe in ("fp32", "bf16-pure"):
        line = lines[recipe, "denominator"]
        assert line["problem"] == 0 and line["backend"] == "traced"
        assert line["denominator"]["subtracts_maximum"] and line["denominator"]["smallest"] >= 1
        assert "cannot underflow" in line["sentence"]
    lost = [lines[recipe, "weights"]["mass"]["rms"] for recipe in ("fp32", "bf16-pure")]
    assert 0 < lost[0] < lost[1] / 1000
    assert "underflow accounts" in str(report) and "underflow accounts" in report.to_markdown()


def test_the_owners_are_in_the_report(problem):
    report = us.report(problem, ["hf", "pr3810"], target="grad.w_gate")
    shares = {}
    for owner in report.owners:
        assert owner["target"] == "grad.w_gate"
        shares[owner["recipe"]] = shares.get(owner["recipe"], 0) + owner["share"]
    assert shares == {"hf": pytest.approx(1), "pr3810": pytest.approx(1)}
    assert "whose error" in str(report) and "whose error" in report.to_markdown()
    tangent = us.report(problem, "hf", attribution="tangent")
    assert 0 < tangent.to_dict()["runs"][0]["attribution_residual"] < 0.1
    with pytest.raises(us.Error, match="known: ladder tangent switch"):
        us.report(problem, "hf", attribution="guess")


def statuses(report):
    return {row["slot"]: row["status"] for row in report.rows if row["status"] != "absent"}


def test_arrays_are_a_dump(problem, run):
    good = us.compare(problem, {"weights": run["weights"], "pooled": run["pooled"]}, "hf")
    assert good.ok and statuses(good) == {"weights": "ok", "pooled": "ok"}
    wrong = run["pooled"].copy()
    wrong[0, 1, 2] += 1
    bad = us.compare(problem, {"weights": run["weights"], "pooled": wrong}, "hf")
    assert bad.exit == 1
    assert statuses(bad) == {"weights": "ok", "pooled": "fail"}
    assert "pooled" in bad.summary[0]


def test_births_have_certificates(problem):
    assert us.report(problem, "fp32").nonfinite == []
    report = us.report(problem, "fp32", settings=["softmax=online"])
    first = report.nonfinite[0]
    assert first["recipe"].startswith("fp32") and first["problem"] == 0
    assert (first["slot"], first["window"], first["class"]) == ("denominator", 0, "inf - inf")
    assert first["cure"].startswith("softmax=online_guarded")
    assert "born at denominator" in str(report)


def test_names_are_mapped(problem, run, tmp_path):
    dump = {"attn.probs": run["weights"], "junk": np.zeros(3)}
    for names in ({"attn.probs": "weights"}, {r"attn\.pr.*": "weights"}):
        assert us.compare(problem, dump, "hf", map=names).ok
    (tmp_path / "map.json").write_text('{"attn.probs": "weights"}')
    assert us.compare(problem, dump, "hf", map=tmp_path / "map.json").ok
    with pytest.raises(us.Error, match="none of its 2 tensors maps to a slot"):
        us.compare(problem, dump, "hf")


def test_a_tolerance_judges_instead(problem, run):
    dump = {"output": run["output"]}
    assert us.compare(problem, dump, "hf", rtol=0.5, atol=0.5).ok
    assert us.compare(problem, dump, "hf", rtol=1e-9, atol=1e-9).exit == 1
    assert us.compare(problem, dump, "hf", slots="out.*", ulp=1e9).ok


def test_truth_has_tiers(problem, run):
    tiers = {tier: us.report(problem, "fp32", truth=tier).to_dict()["runs"][0] for tier in ("fp64", "certified", "mpfr")}
    assert tiers["fp64"]["truth"]["max_radius"] is None
    for tier in ("certified", "mpfr"):
        assert tiers[tier]["truth"]["tier"] == tier and tiers[tier]["truth"]["undecided"] == 0
        assert 0 < tiers[tier]["truth"]["max_radius"] < 1e-24
        for row, plain in zip(tiers[tier]["rows"], tiers["fp64"]["rows"]):
            assert row["slot"] == plain["slot"] and row["status"] == plain["status"]
    assert us.compare(problem, run, rtol=0.5, atol=1, truth="certified").ok
    with pytest.raises(ValueError, match="fp64 mpfr certified"):
        us.report(problem, "fp32", truth="exact")


def test_settings_change_the_recipe(problem):
    changed = us.Recipe("hf").with_("pad.gate=0")
    run = us.run(problem, changed)
    assert us.compare(problem, dict(run), "hf", settings=["pad.gate=0"]).ok
    assert us.compare(problem, dict(run), "hf").exit == 1


def test_diff_compares_bits(problem, run):
    assert us.diff(run, us.run(problem, "hf", threads=2)).ok
    other = us.diff(run, us.run(problem, "fp32"))
    assert other.exit == 1 and "slots differ" in other.summary[0]
    assert us.diff({"output": run["output"]}, {"output": run["output"]}, problem=problem).ok
    with pytest.raises(us.Error, match="name their problem"):
        us.diff({"output": run["output"]}, {"output": run["output"]})


def test_fail_on_decides_the_exit(problem):
    assert us.report(problem, "bf16-pure", fail_on=["rms_rel>1e-9"]).exit == 1
    with pytest.raises(us.Error, match="is none of: fail"):
        us.report(problem, "hf", fail_on=["sometimes"])


class Elements(HTMLParser):
    """Which elements there are, that they nest, and the text between them."""

    def __init__(self):
        super().__init__()
        self.open, self.seen, self.text = [], set(), ""

    def handle_starttag(self, tag, attrs):
        self.seen.add(tag)
        if tag != "meta":
            self.open.append(tag)
        assert {name for name, _ in attrs} <= {"class", "lang", "charset", "name", "content"}, attrs

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.text += data


def parsed(html):
    elements = Elements()
    elements.feed(html)
    elements.close()
    assert not elements.open
    return elements


def test_a_notebook_shows_every_cell_of_the_tables(problem, run):
    report = us.compare(problem, run, "fp32")
    fragment = parsed(report._repr_html_())
    page = parsed(report.to_html())
    assert fragment.seen >= {"div", "style", "table", "th", "td", "h4"}
    assert not (fragment.seen | page.seen) & {"script", "img", "link", "iframe"}
    for word in [row["slot"] for row in report.rows if row["status"] == "fail"] + report.summary:
        assert word in fragment.text and word in page.text
    assert len(report.to_html()) < 40_000


def test_names_in_html_are_text(problem, run):
    name = "<script>alert('x')</script>&\""
    report = us.compare(problem, {"weights": run["weights"], name: run["weights"]}, "hf")
    html = report.to_html()
    assert "<script" not in html and "&lt;script&gt;alert(&#39;x&#39;)&lt;/script&gt;&amp;&quot;" in html
    assert name in parsed(html).text


def test_every_form_of_a_report_says_the_same(problem, run):
    report = us.compare(problem, run)
    assert json.loads(report.to_json()) == report.to_dict()
    for text in (str(report), report.to_markdown(), report.to_junit(), report._repr_html_()):
        assert "grad.gate" in text
    assert report.summary[0] in repr(report)


def test_certified_shares_sum_to_one_within_their_radius(problem, tmp_path):
    def owners():
        return us.report(problem, "hf", truth="certified", cache=tmp_path / "truths").owners

    found = owners()
    radius = sum(owner["share_radius"] for owner in found)
    assert 0 < radius < 1e-9
    assert abs(sum(owner["share"] for owner in found) - 1) <= radius + len(found) * 2**-53
    kept = sorted(path.name for path in (tmp_path / "truths").iterdir())
    assert kept and all(name.startswith("truth-") for name in kept)
    assert owners() == found
    assert sorted(path.name for path in (tmp_path / "truths").iterdir()) == kept
    assert all(owner["share_radius"] is None for owner in us.report(problem, "hf", truth="fp64").owners)
    with pytest.raises(us.Error, match="cache"):
        us.report(problem, "hf", cache=3)
