# SPDX-License-Identifier: Apache-2.0
"""What recipe hf says of a machine, AVX-512 and a C library of 2.28 to 2.40, changed to what this machine has."""

import platform

import torch
import ulpscope as us

VECTORS = {"AVX2": 8, "AVX512": 16}  # channels of a vector of PyTorch's softmax
CAPABILITY = torch.backends.cpu.get_cpu_capability()
IS_DESCRIBED = CAPABILITY in VECTORS


def _has_described_library():
    name, version = platform.libc_ver()
    return name == "glibc" and (2, 28) <= tuple(map(int, version.split(".")[:2])) <= (2, 40)


def recipe(name):
    """Built-in recipe `name`, hf or hf-fp32, as PyTorch computes here."""
    vector = VECTORS.get(CAPABILITY, 16)
    rest = "glibc" if _has_described_library() else "libm"
    exp, power = f"sleef_u10:{vector}:{rest}", f"sleef_u10:{2 * vector}"
    built_in = us.Recipe(name)
    stages = built_in["stages"]
    if (stages["softmax"]["exp"], stages["rope_table"]["power"]) == (exp, power):
        return built_in
    return built_in.with_(f"softmax.exp={exp}", f"rope_table.power={power}")
