# SPDX-License-Identifier: Apache-2.0
"""Ctrl-C ends long calls soon, and the next call works."""

import os
import signal
import threading
import time

import numpy as np
import pytest

import ulpscope as us

#: Heard at most 50 ms after the signal, plus one piece of work; the rest is room for a busy machine.
SOON = 2.0


def seconds_to_stop(call, after=0.4):
    """How long `call` goes on after an interrupt; it must be running still when that comes."""
    sent = []

    def interrupt():
        time.sleep(after)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        with pytest.raises(KeyboardInterrupt):
            call()
            thread.join()
            pytest.fail("the call was over before the interrupt came")
        return time.monotonic() - sent[0]
    finally:
        thread.join()


@pytest.fixture(scope="module")
def large():
    """About ten seconds of work for one thread."""
    return us.Problem.make("small-csa", batch=8, seq=4096, hidden=1024, head_dim=128)


CALLS = {
    "run": lambda problem, threads: us.run(problem, "hf", threads=threads),
    "run in double": lambda problem, threads: us.run(problem, "fp64", threads=threads),
    "run by BLAS": lambda problem, threads: [us.run(problem, "fp32-blas", threads=threads) for _ in range(50)],
    "fused": lambda problem, threads: us.run(problem, "bf16-pure", backend="fused", threads=threads),
    "report": lambda problem, threads: us.report(problem, "hf", threads=threads),
    "make": lambda problem, threads: [us.Problem.make("v4-flash-csa", threads=threads) for _ in range(9)],
    "selftest": lambda problem, threads: us._core.exhaustive_selftest(threads),
    "sha256": lambda problem, threads: [problem.sha256 for _ in range(99)],
    "round": lambda problem, threads: [us.round(problem["hidden"], "bf16") for _ in range(10000)],
}


@pytest.mark.parametrize("threads", [1, 3])
@pytest.mark.parametrize("name", CALLS)
def test_an_interrupt_is_heard(large, name, threads):
    waited = seconds_to_stop(lambda: CALLS[name](large, threads), 4 if name == "selftest" else 0.4)
    print(f"{name}, {threads} threads: {1000 * waited:.0f} ms")
    assert waited < SOON


def test_a_comparison_is_interrupted_wherever_it_is():
    problem = us.Problem.make("small-csa", batch=4, seq=2048, hidden=512, head_dim=128)
    run = us.run(problem, "hf", gradients=False)
    for after in (0.1, 0.5, 1.0, 1.5):
        waited = seconds_to_stop(lambda: [us.compare(problem, run) for _ in range(9)], after)
        print(f"compare, after {after} s: {1000 * waited:.0f} ms")
        assert waited < SOON


def test_a_handler_of_the_callers_runs_during_a_call(large):
    heard = []
    before = signal.signal(signal.SIGALRM, lambda *_: heard.append(time.monotonic()))
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.1)
        us.run(large, "fp32", gradients=False)
        over = time.monotonic()
    finally:
        signal.signal(signal.SIGALRM, before)
    assert heard and heard[0] < over


def test_other_threads_run_during_a_call(large):
    count = 0
    over = threading.Event()

    def spin():
        nonlocal count
        while not over.wait(0.001):
            count += 1

    thread = threading.Thread(target=spin)
    thread.start()
    us.run(large, "fp32", gradients=False, threads=1)
    over.set()
    thread.join()
    assert count > 20


def test_an_exception_of_a_handler_leaves_the_library_as_it_was(problem, run):
    again = us.run(problem, "hf")
    for slot in run:
        assert np.array_equal(run[slot], again[slot], equal_nan=True)


def test_calls_from_many_threads_agree(problem, run):
    results = [None] * 8

    def work(i):
        results[i] = us.run(problem, "hf", threads=2)["output"].tobytes()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(len(results))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert set(results) == {run["output"].tobytes()}
