# SPDX-License-Identifier: Apache-2.0
"""What these tests ask of ulpscope: a problem drawn, a recipe run, a foreign dump judged."""

import json
import os
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

COMMAND = os.environ.get("ULPSCOPE_COMMAND", str(Path(__file__).resolve().parents[2] / "build/release/ulpscope"))
JUDGED = (0, 1, 3)  # exit codes that come with a report


@dataclass(frozen=True)
class Problem:
    """A resolved config and its inputs, fp32 torch tensors."""

    config: dict
    inputs: dict
    path: str


def _command(*words):
    done = subprocess.run([COMMAND, *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode in JUDGED, done.stderr


def tensors(path):
    """(config, {name: torch tensor}) of a problem or dump file."""
    with safe_open(str(path), "pt") as file:
        return json.loads(file.metadata()["config"]), {name: file.get_tensor(name) for name in file.keys()}


def read(path):
    return Problem(*tensors(path), str(path))


def make(folder, *options):
    path = Path(folder) / "problem.safetensors"
    _command("make", *options, "-o", path, "--quiet")
    return read(path)


def draw(folder, shape):
    """The problem of a shape of shapes.py."""
    config = Path(folder) / "config.json"
    config.write_text(json.dumps(shape.config))
    spread = ("--gate-sigma", shape.gate_sigma, "--ape-sigma", shape.ape_sigma)
    return make(folder, "--config", config, "--seed", shape.seed, *spread)


def run(problem, recipe):
    """{slot: torch tensor} of a recipe's own run."""
    with tempfile.TemporaryDirectory() as folder:
        dump = Path(folder) / "run.safetensors"
        _command("run", problem.path, "--recipe", recipe, "-o", dump, "--quiet")
        return tensors(dump)[1]


def judge(problem, slots, recipe, *options):
    """{slot: row of the report} of `compare`: the dump `slots` as a run of `recipe`."""
    with tempfile.TemporaryDirectory() as folder:
        dump, report = Path(folder) / "dump.safetensors", Path(folder) / "report.json"
        save_file({name: tensor.contiguous().clone() for name, tensor in slots.items()}, str(dump))
        _command("compare", problem.path, dump, "--recipe", recipe, "--json", report, "--quiet", *options)
        return {row["slot"]: row for row in json.loads(report.read_text())["runs"][0]["rows"]}
