#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""levels.py LEVEL OBJECT... LEVEL OBJECT...: code compiled for one instruction-set level shares no inline function with the rest.

The linker keeps one copy of every weak symbol. Were that the AVX-512 copy of a shared inline function, the program would
die on an older processor. So each weak symbol of such an object must live in its level's namespace.
"""

import re
import subprocess
import sys

from sources import finish

WEAK = re.compile(r"^[0-9a-f]* ([VWuw]) (.*)$")


def shared_symbols(level, listing):
    """Weak symbols of an `nm -C --defined-only` listing that name nothing of `ulpscope::...::LEVEL::`.

    Names that nm cannot demangle (lambdas of templates, deep inside) spell it as length and letters.
    """
    own = re.compile(rf"::{level}::|^_ZN8ulpscope\w*?{len(level)}{level}\d")
    for line in listing.splitlines():
        match = WEAK.match(line)
        if match and not own.search(match.group(2)) and not match.group(2).startswith("DW.ref."):
            yield match.group(2)


def main(arguments):
    findings, level, count = [], "", 0
    for argument in arguments:
        if not argument.endswith(".o"):
            level = argument
            continue
        count += 1
        answer = subprocess.run(["nm", "-C", "--defined-only", argument], capture_output=True, text=True, check=True)
        findings.extend(f"{argument}: {symbol} is shared between levels" for symbol in shared_symbols(level, answer.stdout))
    finish(findings, f"{count} objects keep to their levels")


if __name__ == "__main__":
    main(sys.argv[1:])
