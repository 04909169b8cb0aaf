# SPDX-License-Identifier: Apache-2.0
"""Shared by the Python tests: one small problem, and exit code 77 where everything was skipped."""

import os

import pytest

import ulpscope as us

#: csa with every optional stage off but RoPE; fast in every recipe.
SIZES = {"batch": 1, "seq": 22, "hidden": 16, "head_dim": 16}


def pytest_configure(config):
    config.addinivalue_line("markers", "slow: measured or long; run by the full tests")


def pytest_sessionfinish(session, exitstatus):
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    count = {kind: len(reporter.stats.get(kind, ())) for kind in ("passed", "failed", "error", "skipped")}
    if exitstatus == 0 and count["skipped"] and not count["passed"]:
        session.exitstatus = 77


@pytest.fixture(scope="session")
def problem():
    return us.Problem.make("small-csa", seed=3, **SIZES)


@pytest.fixture(scope="session")
def run(problem):
    return us.run(problem, "hf")


@pytest.fixture(scope="session")
def command():
    """The built program; PYTHONPATH names the package of the same build."""
    path = os.environ.get("ULPSCOPE_COMMAND")
    if not path:
        pytest.skip("ULPSCOPE_COMMAND names no program to compare with")
    return path
