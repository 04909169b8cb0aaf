# SPDX-License-Identifier: Apache-2.0
"""What these tests ask of ulpscope, in torch's terms: inputs of a problem, slots of a run or dump, rows of a comparison."""

import torch
from safetensors import safe_open

import ulpscope as us


def tensors(path):
    """{name: torch tensor} of a dump, in the element types of the file."""
    with safe_open(str(path), "pt") as file:
        return {name: file.get_tensor(name) for name in file.keys()}


def inputs(problem):
    """{name: torch tensor} of a problem's inputs, copies."""
    return {name: torch.from_numpy(array.copy()) for name, array in problem.items()}


def draw(shape):
    """The problem of a shape of shapes.py."""
    spread = {"gate_sigma": shape.gate_sigma, "ape_sigma": shape.ape_sigma}
    return us.Problem.make(shape.config, seed=shape.seed, **spread)


def run(problem, recipe):
    """{slot: float64 torch tensor} of a recipe's own run."""
    return {name: torch.from_numpy(array.copy()).double() for name, array in us.run(problem, recipe).items()}


def exact_but_for_the_tables():
    """Recipe fp64 with RoPE tables in fp32: what an implementation computes that rounds nothing else."""
    return us.Recipe("fp64").with_(*(f"rope_table.{field}=fp32" for field in ("frequencies", "angles", "storage")))


def judge(problem, slots, recipe):
    """{slot: row of the report} of `compare`: the dump `slots` as a run of `recipe`."""
    return {row["slot"]: row for row in us.compare(problem, slots, recipe).rows}
