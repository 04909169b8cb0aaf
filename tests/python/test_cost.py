# SPDX-License-Identifier: Apache-2.0
"""What a call from Python costs over the C++ call that it makes; one JSON line per measurement."""

import json
import statistics
import time

import numpy as np
import pytest

import ulpscope as us
from ulpscope import _core


def tell(**measured):
    print(json.dumps(measured))


def seconds(call, count):
    """Of this thread: what else runs on the machine does not count."""
    start = time.thread_time()
    for _ in range(count):
        call()
    return time.thread_time() - start


@pytest.mark.slow
def test_a_run_costs_less_than_5_us_more_than_in_cpp():
    config = {"mode": "csa", "batch": 1, "seq": 8, "hidden": 2, "head_dim": 2}
    problem = us.Problem.make(config)
    recipe = us.Recipe("fp32")
    count = 200
    for name, called in (("Recipe", recipe), ("str", "fp32")):
        cpp, ours = [], []
        for _ in range(100):  # in turns; the best of each is what a quiet moment gives
            cpp.append(_core.seconds_of_runs(problem._handle, recipe._handle, count) / count * 1e6)
            ours.append(seconds(lambda: us.run(problem, called, threads=1), count) / count * 1e6)
        extra = min(ours) - min(cpp)
        tell(name=f"python run, recipe as {name}", cpp_us=round(min(cpp), 2), extra_us=round(extra, 2), limit_us=5)
        assert extra < 5


@pytest.mark.slow
def test_a_slot_costs_microseconds_and_no_copy():
    run = us.run(us.Problem.make("small-csa", seq=4096), "fp32", gradients=False)
    each = min(seconds(lambda: run["weights"], 1000) for _ in range(5)) / 1000 * 1e6
    tell(name="python slot", us=round(each, 2), megabytes=run["weights"].nbytes >> 20, limit_us=20)
    assert run["weights"].nbytes > 1 << 20 and each < 20


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bf16", "e4m3fn", "fp16", "e5m10:rz"])
def test_rounding_costs_what_it_costs_in_cpp(name):
    values = np.random.default_rng(1).standard_normal(1 << 25, dtype=np.float32)
    out = np.empty_like(values)
    us.round(values, name, out=out)
    ratios, cpp, ours = [], [], []
    for _ in range(9):
        cpp.append(_core.seconds_of_round(values, out, name))
        ours.append(seconds(lambda: us.round(values, name, out=out), 1))
        ratios.append(ours[-1] / cpp[-1])
    ratio = min(statistics.median(ratios), min(ours) / min(cpp))
    tell(name=f"python round {name}", cpp_s=round(min(cpp), 5), python_s=round(min(ours), 5), ratio=round(ratio, 3), limit=1.2)
    assert ratio < 1.2
