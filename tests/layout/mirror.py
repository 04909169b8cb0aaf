#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""mirror.py ROOT: the path of a test mirrors the path of what it tests (tests/core/io/npy.test.cpp: core/io/npy.hpp)."""

import sys
from pathlib import Path

from sources import CODE, finish, read

MIRRORED = ("precision", "core", "reference", "gpu", "app", "cli")


def check(paths):
    findings = []
    stems = {path.rsplit(".", 1)[0] for path in paths if not path.startswith("tests/")}
    folders = {stem.rsplit("/", 1)[0] for stem in stems if "/" in stem}
    for path in sorted(paths):
        if not path.startswith(tuple(f"tests/{folder}/" for folder in MIRRORED)):
            continue
        if not path.endswith(".test.cpp"):
            continue
        mirrored = path.removeprefix("tests/").removesuffix(".test.cpp")
        if mirrored not in stems and mirrored.rsplit("/", 1)[0] not in folders:
            findings.append(f"{path}:1: mirrors neither a file {mirrored}.* nor a folder")
    return findings


if __name__ == "__main__":
    names = list(read(Path(sys.argv[1]), CODE))
    finish(check(names), f"{sum(name.endswith('.test.cpp') for name in names)} test files mirror the tree")
