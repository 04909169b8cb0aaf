#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""draws.py ROOT: no operation of the kernels has two arguments that may draw.

A stochastic rounding takes the next number of its counter. C++ leaves open which argument is computed first, and g++ and
nvcc choose differently: with two drawing arguments the bits would depend on the compiler.
"""

import re
import sys
from pathlib import Path

from habits import without_comments
from sources import finish, line_of, read

KERNELS = ("core/compressor/rows/", "core/compressor/kernels/", "precision/summation", "precision/elementary")
OPERATION = re.compile(r"\.(?:add|sub|mul|div|fma|round|sqrt|exp|from|set)\(|\b(?:exp_as|inverse_sqrt|divide|join|first)\(")
DRAWING = re.compile(
    r"\.(?:add|sub|mul|div|fma|round|sqrt|exp|from)\("
    r"|\b(?:exp_as|inverse_sqrt|logarithm|divide|product|product_sum|stored_sum|sum|dot|mean|branch|join|first|term|\w+_sum)\(")


def arguments(text, opening):
    """The arguments between the parenthesis at `opening` and its partner; [] where it has none."""
    depth = 0
    start = opening + 1
    found = []
    for at in range(opening, len(text)):
        if text[at] in "([{":
            depth += 1
        elif text[at] in ")]}":
            depth -= 1
        if depth == 0 or (depth == 1 and text[at] == ","):
            found.append(text[start:at])
            start = at + 1
        if depth == 0:
            return found
    return []


def check(files):
    for path, text in files.items():
        if not path.startswith(KERNELS):
            continue
        code = without_comments(text)
        for call in OPERATION.finditer(code):
            drawing = [a.strip() for a in arguments(code, call.end() - 1) if DRAWING.search(a)]
            if len(drawing) > 1:
                yield f"{path}:{line_of(code, call.start())}: {' and '.join(drawing)}: which of them draws first?"


if __name__ == "__main__":
    sources = read(Path(sys.argv[1]), (".hpp", ".cuh", ".cpp"))
    finish(list(check(sources)), "no operation has two arguments that draw")
