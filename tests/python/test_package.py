# SPDX-License-Identifier: Apache-2.0
"""A wheel works in a clean environment, with the oldest numpy that it names and with the newest."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SCRIPT = """
import sys, numpy, ulpscope as us
problem = us.Problem.make("small-csa", seq=32)
run = us.run(problem, "hf")
assert us.compare(problem, dict(run), "hf").ok
assert us.round(numpy.float32([1.2345]), "bf16").tolist() == [1.234375]
print(numpy.__version__, us.__file__)
"""


def called(*command, **options):
    return subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False, **options)


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    folder = tmp_path_factory.mktemp("wheel")
    answer = called(sys.executable, "-m", "pip", "wheel", "-q", "--no-build-isolation", "--no-deps", "-w", folder, ROOT)
    assert answer.returncode == 0, answer.stderr[-2000:]
    (path,) = folder.glob("ulpscope-*.whl")
    return path


@pytest.mark.slow
@pytest.mark.parametrize("numpy", ["numpy==1.24.*", "numpy>=2"])
def test_a_wheel_works_alone(wheel, tmp_path, numpy):
    if "1.24" in numpy and sys.version_info >= (3, 12):
        pytest.skip("numpy 1.24 has no build for this Python")
    assert called(sys.executable, "-m", "venv", tmp_path / "venv").returncode == 0
    python = tmp_path / "venv" / "bin" / "python"
    answer = called(python, "-m", "pip", "install", "-q", numpy)
    if answer.returncode != 0:
        pytest.skip("pip cannot install numpy here")
    answer = called(python, "-m", "pip", "install", "-q", "--no-index", wheel)
    assert answer.returncode == 0, answer.stderr
    environment = {"PATH": "/usr/bin:/bin", "OPENBLAS_NUM_THREADS": "1"}
    answer = called(python, "-c", SCRIPT, cwd=tmp_path, env=environment)
    assert answer.returncode == 0, answer.stderr
    assert str(tmp_path) in answer.stdout and numpy[7:11].strip("=.*>") in answer.stdout
    answer = called(tmp_path / "venv" / "bin" / "ulpscope", "--version", env=environment)
    assert answer.stdout.startswith("ulpscope ")
