#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""needed.py PROGRAM: it asks the system for the C library and nothing else, so it can be carried to another machine."""

import re
import subprocess
import sys

ALLOWED = re.compile(r"^(libc|libm|libdl|libpthread|librt)\.so\.|^ld-linux")


def main(program):
    answer = subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True)
    needed = re.findall(r"\(NEEDED\).*\[(.+)\]", answer.stdout)
    others = [name for name in needed if not ALLOWED.match(name)]
    for name in others:
        print(f"{program} needs {name}")
    print(f"needs {' '.join(needed)}")
    sys.exit(1 if others or not needed else 0)


if __name__ == "__main__":
    main(sys.argv[1])
