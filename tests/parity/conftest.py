# SPDX-License-Identifier: Apache-2.0
"""Every run says which random shapes it drew, so that it can be repeated; exit code 77 where everything was skipped."""

import os

import shapes

os.environ.setdefault("OMP_NUM_THREADS", "1")  # small tensors; before torch is imported
SEED = shapes.run_seed()
NOTHING_RAN = (0, 5)  # pytest's codes for skipped tests and for skipped files


def pytest_terminal_summary(terminalreporter):
    terminalreporter.write_line(f"repeat with ULPSCOPE_PARITY_SEED={SEED}")


def pytest_generate_tests(metafunc):
    if "shape" in metafunc.fixturenames:
        drawn = [shapes.draw(SEED, index) for index in range(shapes.COUNT)]
        metafunc.parametrize("shape", drawn, ids=[f"{SEED}-{index}" for index in range(shapes.COUNT)])


def pytest_sessionfinish(session, exitstatus):
    stats = session.config.pluginmanager.get_plugin("terminalreporter").stats
    if exitstatus in NOTHING_RAN and stats.get("skipped") and not stats.get("passed"):
        session.exitstatus = 77
