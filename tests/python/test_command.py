# SPDX-License-Identifier: Apache-2.0
"""`python -m ulpscope` is the command: the same words, files and exit codes."""

import re
import signal
import subprocess
import sys
import time

import pytest


def both(command, arguments, cwd):
    answers = []
    for program in ([command], [sys.executable, "-m", "ulpscope"]):
        answer = subprocess.run(program + arguments, capture_output=True, cwd=cwd, text=True, check=False)
        answers.append((answer.returncode, re.sub(r"\d{4}-\d\d-\d\dT[\d:]+Z", "DATE", answer.stdout), answer.stderr))
    return answers


CASES = [
    ["list", "formats"],
    ["list", "recipes", "--json"],
    ["--version"],
    ["--help"],
    ["compare", "--help"],
    [],
    ["reprot"],
    ["report", "--recipe", "hff"],
    ["report", "--preset", "small-csa", "--recipe", "hf"],
    ["run", "nowhere.safetensors", "--recipe", "hf", "-o", "x.safetensors"],
    ["make", "--preset", "small-csa", "--seq", "-5", "-o", "x.safetensors"],
    ["list", "ünïcode"],
]


@pytest.mark.parametrize("arguments", CASES, ids=" ".join)
def test_it_says_what_the_command_says(command, arguments, tmp_path):
    theirs, ours = both(command, arguments, tmp_path)
    assert ours == theirs
    assert ours[1] or ours[2]


def test_it_writes_what_the_command_writes(tmp_path):
    def ours(*arguments):
        return subprocess.run([sys.executable, "-m", "ulpscope", *arguments], cwd=tmp_path, check=False).returncode

    assert ours("make", "--preset", "small-csa", "--seq", "32", "-o", "p.safetensors") == 0
    assert ours("run", "p.safetensors", "--recipe", "hf", "-o", "d.safetensors") == 0
    assert ours("compare", "p.safetensors", "d.safetensors", "--quiet", "--html", "r.html") == 0
    assert ours("compare", "p.safetensors", "d.safetensors", "--recipe", "fp32", "--quiet") == 1
    assert "<table>" in (tmp_path / "r.html").read_text()


def test_an_interrupt_ends_it_with_130(tmp_path):
    arguments = [sys.executable, "-m", "ulpscope", "selftest", "--exhaustive", "--threads", "1"]
    process = subprocess.Popen(arguments, cwd=tmp_path, stdout=subprocess.DEVNULL)
    time.sleep(1.5)
    assert process.poll() is None
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=10) == 130
