#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""habits.py ROOT: house rules that a regular expression can see."""

import re
import sys
from pathlib import Path

from sources import CODE, finish, line_of, listed, read

COMMENT = re.compile(r"//[^\n]*")
KNOWING = "NOLINT(habits)"  # on a line that breaks a rule knowingly, say to show what goes wrong
LIBRARY = ("precision/", "core/", "reference/", "gpu/", "app/")
CHECKERS = "tests/layout/"

# What code may not say: (which paths, pattern, what is wrong)
CODE_RULES = [
    (lambda p: p.endswith(CODE) and p.startswith(LIBRARY),
     r"\bstd::(cout|cerr|clog)\b|\b(printf|fprintf|puts|fputs|perror)\(|\bfmt::print(ln)?\(",
     "library code prints nothing"),
    (lambda p: p.endswith(CODE) and p.startswith(LIBRARY), r"\b(secure_)?getenv\(", "library code reads no environment"),
    (lambda p: p.endswith(CODE), r"\bkeep_dims\b(?![^;]*immediate)",
     "xtensor's lazy keep_dims is wrong inside a broadcast: add xt::evaluation_strategy::immediate"),
    (lambda p: p.endswith(CODE), r"\busing namespace std\b", "no using-directive for std"),
    (lambda p: p.endswith(CODE), r"std::execution::par|-ffast-math|#pragma omp[^\n]*reduction",
     "the order of every sum is part of the result"),
    (lambda p: p.endswith(CODE) and p.startswith("tests/"),
     r"\b(CHECK|REQUIRE|SUCCEED)\((true)?\)|\bSUCCEED\(|\[!mayfail\]|\[!shouldfail\]", "a test must be able to fail"),
    (lambda p: p.endswith(CODE) and p.startswith("tests/"), r"\bApprox\b", "Approx differs between Catch2 2 and 3: use a matcher"),
]
# What no text may say.
TEXT_RULES = [
    (lambda p: not p.startswith(CHECKERS), r"\b(TODO|FIXME|XXX)\b|not (yet )?implemented|\bunimplemented\b",
     "finish it, or say in an issue what is left"),
    (lambda p: not p.startswith(CHECKERS), r"(?<![\w.}/])/(home|root|work|Users|private)/\w", "a path of one person's machine"),
]


def check_first_lines(path, text):
    lines = text.split("\n")
    start = 1 if lines[0].startswith("#!") else 0
    if len(lines) <= start + 1 or "SPDX-License-Identifier: Apache-2.0" not in lines[start]:
        yield f"{path}:1: the first line is the SPDX line"
    elif path.endswith(CODE) and not re.match(r"// \S", lines[start + 1]):
        yield f"{path}:2: the second line says what the file is"
    if path.endswith(".hpp") and "\n#pragma once\n" not in text:
        yield f"{path}:1: a header has #pragma once"


def check_rules(path, text, rules):
    lines = text.split("\n")
    for applies, pattern, message in rules:
        for match in re.finditer(pattern, text) if applies(path) else ():
            line = line_of(text, match.start())
            if KNOWING not in lines[line - 1]:
                yield f"{path}:{line}: {match.group(0).strip()}: {message}"


def without_comments(text):
    return COMMENT.sub(lambda m: m.group(0) if KNOWING in m.group(0) else "", text)


def check(files):
    findings = []
    for path, text in files.items():
        if path.endswith(CODE + (".py", ".cmake", "CMakeLists.txt")):
            findings.extend(check_first_lines(path, text))
        findings.extend(check_rules(path, without_comments(text), CODE_RULES))
        findings.extend(check_rules(path, text, TEXT_RULES))
    return findings


def check_names(paths):
    """What a test or a command left behind by mistake: files that no suffix and no folder explains."""
    for path in paths:
        known = path.suffix or path.name.startswith(".") or path.parts[0] in ("scripts", ".ci")
        if not known and path.as_posix() not in ("LICENSE", "Makefile"):
            yield f"{path.as_posix()}:1: a file without a suffix: is it meant to be here?"


if __name__ == "__main__":
    root = Path(sys.argv[1])
    sources = read(root)
    finish([*check(sources), *check_names(listed(root))], f"{len(sources)} files keep the house rules")
