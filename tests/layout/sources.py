# SPDX-License-Identifier: Apache-2.0
"""The files that the layout checks read, as {path: text}, and how a check reports."""

import subprocess
import sys
from pathlib import Path

CODE = (".cpp", ".hpp", ".cu", ".cuh")
TEXT = CODE + (".py", ".cmake", ".txt", ".md", ".yml", ".toml", ".sh", ".in")
PLAIN_NAMES = ("Makefile", "run", "bootstrap", "build", "lint")
SKIPPED = ("LICENSE",)


def listed(root):
    """Every file of the checkout that git does not ignore, tracked or not; of an unpacked archive, every file."""
    command = ["git", "-C", str(root), "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    answer = subprocess.run(command, capture_output=True, check=False)
    if answer.returncode == 0 and answer.stdout:
        paths = [Path(name) for name in answer.stdout.decode().split("\0") if name]
    else:
        paths = [path.relative_to(root) for path in root.rglob("*") if "build" not in path.relative_to(root).parts]
    return sorted(path for path in set(paths) if (root / path).is_file())


def read(root, suffixes=TEXT):
    """{posix path: text} of the files with one of these suffixes, or (for all text) a script's name."""
    files = {}
    for path in listed(root):
        plain = suffixes == TEXT and not path.suffix and path.name in PLAIN_NAMES
        if (path.suffix in suffixes or plain) and path.name not in SKIPPED:
            files[path.as_posix()] = (root / path).read_text(encoding="utf-8", errors="replace")
    return files


def line_of(text, position):
    return text.count("\n", 0, position) + 1


def finish(findings, summary):
    """Print the findings, or one line when there are none; exit 1 or 0."""
    for finding in findings:
        print(finding)
    print(f"{len(findings)} findings" if findings else summary)
    sys.exit(1 if findings else 0)
