#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""device.py ROOT [PROBE]: nvcc compiles the hot headers of precision and rows, and PROBE, device code that instantiates them.

Without nvcc: exit 77 (skipped).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from includes import is_device
from sources import CODE, finish, read

OPTIONS = ["-std=c++20", "-fmad=false", "--expt-relaxed-constexpr", "-Werror=cross-execution-space-call",
           "-O0", "-Xcicc", "-O0", "-Xptxas", "-O0", "-x", "cu", "-c"]  # only whether it compiles: optimising takes a minute


def find_nvcc():
    return shutil.which("nvcc") or shutil.which("nvcc", path="/usr/local/cuda/bin")


def compiles(nvcc, root, text):
    """'' or the compiler's complaint about this device code."""
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.cu"
        source.write_text(text, encoding="utf-8")
        launcher = [shutil.which("ccache")] if shutil.which("ccache") else []
        command = launcher + [nvcc, *OPTIONS, "-I", str(root), str(source), "-o", os.devnull]
        answer = subprocess.run(command, capture_output=True, text=True, check=False)
    lines = (answer.stdout + answer.stderr).splitlines()
    errors = [line for line in lines if "error" in line] or lines
    return "" if answer.returncode == 0 else "\n".join(errors)


def main(root, probes):
    nvcc = find_nvcc()
    if not nvcc:
        print("no nvcc: skipped")
        sys.exit(77)
    headers = sorted(path for path, text in read(root, CODE).items() if is_device(path, text))
    text = "".join(f'#include "{header}"\n' for header in headers + probes)
    complaint = compiles(nvcc, root, text)
    finish([complaint] if complaint else [], f"nvcc compiles {len(headers)} headers: {' '.join(headers)}")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
