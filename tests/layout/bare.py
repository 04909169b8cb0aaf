#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""bare.py OBJECT...: what a run executes, fused or traced, holds no code that judges or records it.

Ledger and birth certificates are passes over finished slots. So no object of the engine may define or call anything of
ulpscope::judge, or be compiled for recorded numbers, but those that are there to record.
"""

import re
import subprocess
import sys

from sources import finish

RECORDERS = ("element_record", "recorded_set", "recording")
FOREIGN = re.compile(r"\bulpscope::judge::|\bRecord(?:ed|ing)\b|^_ZN?K?8ulpscope5judge|8Record(?:ed|ing)")


def foreign_symbols(listing):
    """Symbols of an `nm -C` listing, defined or called, that judge or record."""
    for line in listing.splitlines():
        symbol = line[19:]
        if FOREIGN.search(symbol):
            yield symbol


def is_engine(path):
    return "/compressor/" in path and not any(name in path for name in RECORDERS)


def main(objects):
    findings, count = [], 0
    for path in filter(is_engine, objects):
        count += 1
        answer = subprocess.run(["nm", "-C", path], capture_output=True, text=True, check=True)
        findings.extend(f"{path}: holds {symbol[:160]}" for symbol in foreign_symbols(answer.stdout))
    if count < 20:
        findings.append(f"only {count} objects of the engine were given")
    finish(findings, f"{count} objects of the engine neither judge nor record")


if __name__ == "__main__":
    main(sys.argv[1:])
