#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""lengths.py ROOT: files of at most 400 lines; functions of at most 50 lines and 4 parameters, none of them boolean.

A file of core/studies that the list of studies names stays under 150 lines: it asks, and other files conclude.
The context that every row function takes, its arithmetic and its sink, is not counted; a mask is a value, not a switch.
Functions need Universal Ctags; without it only files are measured.
"""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

from sources import CODE, finish, read

MAX_FILE = 400
MAX_STUDY = 149
MAX_FUNCTION = 50
MAX_PARAMETERS = 4
CONTEXT = re.compile(r"^const (Ops|Roles)<|^const A ?& ?\w+$|\bsink$")
STUDIES = "core/studies/studies.cpp"
ENTRY = re.compile(r"^Study (\w+)\(\);$", re.MULTILINE)
SWITCH = re.compile(r"^(const )?bool\b(?! *& *\w+$)")
MASKED = ("select", "any", "all")


def tags(root, paths):
    """Universal Ctags' functions and prototypes: dicts with path, line, end, name, signature."""
    if not shutil.which("ctags"):
        return []
    command = ["ctags", "--output-format=json", "--fields=+neS", "--kinds-C++=fp", "--language-force=C++", "-L", "-", "-f", "-"]
    answer = subprocess.run(command, cwd=root, input="\n".join(paths), capture_output=True, text=True, check=False)
    if answer.returncode != 0:  # Exuberant Ctags knows no JSON
        return []
    return [json.loads(line) for line in answer.stdout.splitlines() if line.startswith("{")]


def parameters(signature):
    """'(int a, std::pair<int, int> b = f(1, 2)) const' -> ['int a', 'std::pair<int, int> b = f(1, 2)']"""
    found, depth, current = [], 0, ""
    for character in signature[1:]:
        if character in "(<[{":
            depth += 1
        elif character in ")>]}":
            depth -= 1
        if depth < 0:
            break
        if character == "," and depth == 0:
            found.append(current.strip())
            current = ""
        else:
            current += character
    return [parameter for parameter in found + [current.strip()] if parameter]


def check_files(files):
    for path, text in files.items():
        count = text.count("\n")
        if count > MAX_FILE:
            yield f"{path}:{count}: {count} lines, the cap is {MAX_FILE}"


def check_studies(files):
    names = ENTRY.findall(files.get(STUDIES, ""))
    if not names:
        yield f"{STUDIES}: names no study, so none can be measured"
    for name in names:
        path = f"core/studies/{name}.cpp"
        if path not in files:
            yield f"{path}: study {name} is listed and has no file of its own"
            continue
        count = files[path].count("\n")
        if count > MAX_STUDY:
            yield f"{path}:{count}: {count} lines, a study stays under {MAX_STUDY + 1}: conclusions have files of their own"


def check_functions(functions):
    for tag in functions:
        place = f"{tag['path']}:{tag['line']}"
        length = tag.get("end", tag["line"]) - tag["line"] + 1
        if tag["kind"] == "function" and length > MAX_FUNCTION:
            yield f"{place}: {tag['name']} has {length} lines, the cap is {MAX_FUNCTION}"
        listed = [text for text in parameters(tag.get("signature") or "()") if not CONTEXT.search(text)]
        if len(listed) > MAX_PARAMETERS:
            yield f"{place}: {tag['name']} has {len(listed)} parameters, more than {MAX_PARAMETERS} ask for a struct"
        if tag["name"] not in MASKED and any(SWITCH.search(text) for text in listed):
            yield f"{place}: {tag['name']} has a boolean parameter, an enum would say what it means"


def quantile(values, share):
    return sorted(values)[int(share * (len(values) - 1))] if values else 0


def summary(files, functions):
    lines = [text.count("\n") for text in files.values()]
    lengths = [tag["end"] - tag["line"] + 1 for tag in functions if tag["kind"] == "function" and "end" in tag]
    return (
        f"{len(lines)} files, median {quantile(lines, 0.5)} lines, longest {max(lines, default=0)}; {len(lengths)} functions, "
        f"median {quantile(lengths, 0.5)}, 90th percentile {quantile(lengths, 0.9)}, longest {max(lengths, default=0)}"
    )


if __name__ == "__main__":
    base = Path(sys.argv[1])
    sources = read(base, CODE)
    everything = read(base, CODE + (".py", ".cmake", ".txt"))
    found = tags(base, list(sources))
    faults = [*check_files(everything), *check_studies(sources), *check_functions(found)]
    finish(faults, summary(sources, found))
