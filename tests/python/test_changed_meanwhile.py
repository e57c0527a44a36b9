"""Arguments that others change while a call reads them: functions of Python that the call asks (changed_meanwhile.py), and
threads, which run while it waits."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("tarn.core")
PROGRAM = Path(__file__).with_name("changed_meanwhile.py")
THREADS = """
import pickle, threading, time
import tarn.core as mx
a, b, arrays, named = mx.ones((50, 50)), mx.full((50, 50), 7.0), [mx.ones(3)] * 10, {"a": mx.ones(3), "b": mx.ones(3)}
failed = set()
end = time.time() + 3
KINDS = {mx.float32: (50, 50), mx.int64: (50, 10)}

def pickled():
    copied = pickle.loads(pickle.dumps(b))
    assert KINDS[copied.dtype] == copied.shape and (copied == 7).all().item(), copied

READS = [lambda: a[a > 0], lambda: a.tolist(), lambda: repr(a), lambda: memoryview(a)[0, 0], lambda: mx.eval(arrays, named),
         lambda: mx.concatenate(arrays).sum().item(), lambda: bytes(a), pickled, lambda: a.at[a > 0.5].add(1),
         lambda: mx.compile(lambda arrays: arrays[0] + arrays[1])(arrays), lambda: mx.nonzero(a), lambda: mx.async_eval(arrays),
         lambda: mx.grad(lambda named: named["a"].sum())(named), lambda: mx.from_dlpack(a)]

def change():
    global a
    a.__init__(mx.random.normal((50, 50)))
    for kind, shape in KINDS.items():
        b.__init__(mx.full(shape, 7, kind))
        mx.eval(b)
    a[0] = mx.random.normal((50,))
    arrays[:] = [mx.random.normal((3,)) for _ in range(10)]
    named["a"], named["b"] = mx.random.normal((3,)), a * 2
    mx.eval(a)
    a += 1

def read():
    for one in READS:
        one()

def repeat(function):
    while time.time() < end:
        try:
            function()
        except Exception as error:
            failed.add(str(error))

threads = [threading.Thread(target=repeat, args=[function]) for function in (change, read, read, change)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
assert not failed, failed
"""


@pytest.mark.parametrize("hard", ["0", "1"])
@pytest.mark.parametrize("command", [("-m", "tarn.mlx", PROGRAM), ("-c", THREADS)], ids=["functions", "threads"])
def test_no_array_is_read_that_is_gone(hard, command):
    settings = {"TARN_HARD": hard, "MALLOC_PERTURB_": "165", "PYTHONMALLOC": "debug"}
    ran = subprocess.run([sys.executable, "-X", "faulthandler", *command], capture_output=True, text=True, timeout=600,
                         env={**os.environ, **settings})
    assert ran.returncode == 0, ran.stderr[-3000:]
    gone = [line for line in ran.stdout.splitlines() if "gone" in line or "ended" in line]
    assert not gone and ("-c" in command or int(ran.stdout.split()[-1]) > 1000), ran.stdout
