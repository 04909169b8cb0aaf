#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""twins.py ROOT: a type is defined once under its full name.

Two definitions of one name in one namespace that meet in no source compile and link; which of them a program then runs
is the linker's choice.
"""

import collections
import re
import sys

from sources import CODE, finish, line_of, read

# What stands at the start of a line: a namespace that opens (named, inline or without a name) or closes, or a type.
EVENT = re.compile(
    r"^(?:(?P<inline>inline )?namespace (?P<name>[\w:]+ )?\{"
    r"|\}  // (?:inline )?namespace\b[^\n]*"
    r"|(?:struct|class|union|enum(?: class)?) (?P<type>\w+)(?: final)?(?: :[^;{]*)?\s*\{)",
    re.MULTILINE,
)


def definitions(text):
    """(full name, line) of each type defined in a namespace that has a name. Inline namespaces add nothing to it."""
    scopes = []
    for event in EVENT.finditer(text):
        if event["type"]:
            if None not in scopes:
                yield "::".join([*filter(None, scopes), event["type"]]), line_of(text, event.start())
        elif event[0].startswith("}"):
            del scopes[-1:]
        else:
            scopes.append("" if event["inline"] else event["name"].strip() if event["name"] else None)


def check(files):
    places = collections.defaultdict(list)
    for path, text in files.items():
        for name, line in definitions(text):
            if "::" in name:
                places[name].append((path, line))
    for name, found in sorted(places.items()):
        if len({path for path, _ in found}) > 1:
            yield f"{name} is defined twice: " + ", ".join(f"{path}:{line}" for path, line in found)


if __name__ == "__main__":
    sources = read(sys.argv[1], CODE)
    finish(list(check(sources)), f"{len(sources)} files define each type once")
