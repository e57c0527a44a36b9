"""The interpreter ends well while arrays are being computed: on the default stream, on others, by another thread, with a
compiled function, kept or called to the end, in a cycle, by an exception, at once, by Ctrl-C."""

import signal
import subprocess
import sys

import pytest

pytest.importorskip("tarn.core")

BEGIN = """
import os, signal, sys, threading, time
import tarn.core as mx
a = mx.random.normal((700, 700))
def long(a):
    for _ in range(60):
        a = a @ a * 1e-3
    return a
"""
WAYS = {
    "asynchronous": ("mx.async_eval(long(a))", 0),
    "streams": ("for _ in range(4):\n    with mx.stream(mx.new_stream(mx.cpu)):\n        mx.async_eval(long(a))", 0),
    "thread": ("threading.Thread(target=lambda: mx.eval(long(a)), daemon=True).start(); time.sleep(0.05)", 0),
    "compiled": ("y = mx.compile(long)(a); mx.async_eval(y)", 0),
    "cycle": ("held = [a]; held.append(held)\n"
              "y = mx.grad(lambda x: mx.checkpoint(long)(x).sum())(a); held.append(y); mx.async_eval(y)", 0),
    "kept by a cache": ("import typing\nclass A: f = mx.compile(long)\nmx.eval(A.f(a)); typing.List[A]", 0),
    "called at the end": ("class A:\n    f, a, end = mx.compile(lambda a: (a * 0).sum()), a, os._exit\n"
                          "    def __del__(self): self.end(5 + int(self.f(self.a).item()))\n"
                          "held = A(); mx.eval(held.f(a))", 5),
    "exception": ("mx.async_eval(long(a)); raise SystemExit(3)", 3),
    "at once": ("mx.async_eval(long(a)); os._exit(4)", 4),
    "Ctrl-C": ("signal.signal(signal.SIGINT, signal.default_int_handler); mx.async_eval(long(a)); os.kill(os.getpid(), signal.SIGINT); "
               "time.sleep(5)", -signal.SIGINT),
}


@pytest.mark.parametrize("way", WAYS)
def test_work_in_flight(way):
    program, status = WAYS[way]
    ran = subprocess.run([sys.executable, "-X", "faulthandler", "-c", BEGIN + program], capture_output=True, text=True,
                         timeout=600)
    assert ran.returncode == status, ran.stderr[-2000:]
    assert "Fatal" not in ran.stderr
    assert (status == 0) <= (ran.stderr == "")


def test_an_error_is_caught_where_it_is_read():
    import tarn.core as mx

    bad = mx.linalg.inv(mx.zeros((3, 3)), stream=mx.cpu)
    behind = bad + 1
    with pytest.raises(Exception, match="singular"):
        behind.tolist()
    assert (mx.ones(2) + 1).tolist() == [2, 2]
    with pytest.raises(Exception, match="singular"):
        bad.tolist()
