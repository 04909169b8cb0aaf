#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""includes.py ROOT: no #include points upward, and the lean headers stay lean.

precision < core {io < compressor < judge < studies} < {reference, gpu} < app < {cli < python, tests}
"""

import re
import sys
from pathlib import Path

from sources import CODE, finish, line_of, read

ORDER = ["precision", "core/io", "core/compressor", "core/judge", "core/studies"]
MAY_INCLUDE = {folder: ORDER[: place + 1] for place, folder in enumerate(ORDER)}
MAY_INCLUDE["reference"] = ORDER + ["reference"]
MAY_INCLUDE["gpu"] = ORDER + ["gpu"]
MAY_INCLUDE["app"] = ORDER + ["reference", "gpu", "app"]
for top in ("cli", "python", "tests"):
    MAY_INCLUDE[top] = MAY_INCLUDE["app"] + [top]
MAY_INCLUDE["python"].append("cli")  # python -m ulpscope is the command
ROWS = "core/compressor/rows/"
FOLDERS = ORDER + ["reference", "gpu", "app", "cli", "python", "tests"]

INCLUDE = re.compile(r'^[ \t]*#[ \t]*include[ \t]*([<"])([^>"]+)[>"]', re.MULTILINE)
HEAVY = re.compile(r"^(boost|fmt|nlohmann|xtensor|xtensor-blas|CLI|catch2)/|^(iostream|mpfr\.h|gmp\.h|cblas\.h)$")
# reference/ checks the stages, so it has none of their code. Its oracle shares only data types with core.
STAGE_CODE = tuple("core/compressor/" + name for name in ("rows/", "kernels/", "evaluator", "matrix_product"))
DATA = tuple(f"core/compressor/{name}.hpp" for name in ("config", "problem", "recipe", "slot", "tape"))
ORACLE = tuple(f"reference/{name}." for name in ("arrays", "entries", "oracle", "pool", "rope", "windows"))


def folder_of(path):
    for folder in FOLDERS:
        if path == folder or path.startswith(folder + "/"):
            return folder
    return None


def is_lean(path, text):
    """Compiled once per instruction-set level (and, below precision and rows, by nvcc): hot code."""
    return path.endswith(".hpp") and (path.startswith(ROWS) or "inline namespace ULPSCOPE_LEVEL" in text)


def is_device(path, text):
    """Certified truth is of the host."""
    return is_lean(path, text) and path.startswith(("precision/", ROWS)) and "enclosed" not in path


def check(files):
    findings = []
    for path, text in files.items():
        folder = folder_of(path)
        if folder is None:
            findings.append(f"{path}:1: lies in none of the folders {', '.join(FOLDERS)}")
            continue
        for match in INCLUDE.finditer(text):
            quoted, target = match.group(1) == '"', match.group(2)
            place = f"{path}:{line_of(text, match.start())}"
            target_folder = folder_of(target)
            if target_folder and target_folder not in MAY_INCLUDE[folder]:
                findings.append(f"{place}: {folder} may not include {target} (an arrow never points upward)")
            if quoted and not target_folder and not target.startswith(("embedded/", "ulpscope_version.hpp", "ulpscope_sources.hpp", "kernel_levels.hpp")):
                findings.append(f"{place}: includes are written from the repository root, not {target}")
            if is_lean(path, text) and HEAVY.search(target):
                findings.append(f"{place}: a header of hot code may not include {target}")
            if folder == "reference" and target.startswith(STAGE_CODE):
                findings.append(f"{place}: reference/ is independent of the stages and may not include {target}")
            elif path.startswith(ORACLE) and target.startswith("core/compressor/") and target not in DATA:
                findings.append(f"{place}: the oracle shares only data types with core and may not include {target}")
    return findings


def idle_rules(paths):
    """What a rule names but the tree no longer has: the rule would guard nothing."""
    return [f"{name}: a rule of includes.py names it, but no such file exists"
            for name in STAGE_CODE + DATA + ORACLE if not any(path.startswith(name) for path in paths)]


if __name__ == "__main__":
    sources = read(Path(sys.argv[1]), CODE)
    finish(check(sources) + idle_rules(sources), f"{len(sources)} files, no arrow points upward")
