# SPDX-License-Identifier: Apache-2.0
"""Recipes read as dicts and are edited as the command edits them."""

import json

import pytest

import ulpscope as us


def test_a_recipe_reads_as_a_dict():
    recipe = us.Recipe("hf")
    assert recipe["stages"]["softmax"]["exp"] == "sleef_u10:16:glibc"
    assert dict(recipe)["pipeline"] == "bias_first"
    assert recipe.name == "hf" and "transformers" in recipe.about and recipe.source.startswith("https://")
    with pytest.raises(KeyError):
        recipe["nothing"]


def test_a_recipe_does_not_change():
    recipe = us.Recipe("hf")
    recipe["stages"]["softmax"]["exp"] = "fast"
    dict(recipe)["omit"].append("rotate")
    assert recipe["stages"]["softmax"]["exp"] == us.Recipe("hf")["stages"]["softmax"]["exp"] == "sleef_u10:16:glibc"


def test_settings_are_the_commands():
    recipe = us.Recipe("hf")
    changed = recipe.with_("softmax.compute=bf16", "pad.gate=-1e4", omit=["rotate"], remainder="error", seed=7)
    assert changed["stages"]["softmax"]["compute"] == "bf16"
    assert str(changed["pad"]["gate"]) in ("-1e4", "-10000.0")
    assert "rotate" in changed["omit"] and changed["remainder"] == "error" and changed["seed"] == 7
    assert recipe["pad"]["gate"] == "-inf"


def test_json_comes_back(tmp_path):
    recipe = us.Recipe("maxtext").with_("loss_scale=2")
    path = tmp_path / "mine.json"
    path.write_text(recipe.to_json())
    for again in (us.Recipe.read(path), us.Recipe(str(path)), us.Recipe(json.loads(recipe.to_json())), us.Recipe(recipe)):
        assert dict(again) == dict(recipe)


def test_infinity_may_be_a_number():
    assert us.Recipe({"name": "mine", "pad": {"gate": float("-inf")}})["pad"]["gate"] == "-inf"


@pytest.mark.parametrize(
    "sentence, call",
    [
        ("unknown recipe 'hff'", lambda: us.Recipe("hff")),
        ("nowhere.json", lambda: us.Recipe.read("/nowhere.json")),
        ("soft", lambda: us.Recipe({"name": "x", "softmax": "soft"})),
        ("fields", lambda: us.Recipe({"name": "x", "fields": 1})),
        ("softmax.nothing", lambda: us.Recipe("hf").with_("softmax.nothing=1")),
        ("bf17", lambda: us.Recipe("hf").with_("softmax.compute=bf17")),
        ("unknown", lambda: us.Recipe("hf").with_(omit=["nothing"])),
        ("must be a name, a path, a Recipe or a dict, found int", lambda: us.Recipe(3)),
        ("not JSON serializable", lambda: us.Recipe({"name": object()})),
    ],
)
def test_errors_say_what_is_wrong(sentence, call):
    with pytest.raises(us.Error, match=sentence):
        call()
