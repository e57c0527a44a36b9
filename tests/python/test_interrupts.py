"""Ctrl-C while Tarn computes: what is given up, when, and what stays whole. Programs of their own, as a signal is for the
whole process; raise_signal() in a thread reaches it: its handler runs in C at once, Python's in the main thread."""

import os
import subprocess
import sys

import pytest

pytest.importorskip("tarn.core")


# A shell starts what runs in the background with Ctrl-C ignored.
USUAL = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)\n"


def printed(program, *arguments):
    environment = {**os.environ, "PYTHONPATH": os.path.join(os.environ.get("TARN_BUILD_DIR", ""), "python")}
    done = subprocess.run([sys.executable, "-c", USUAL + program, *arguments], capture_output=True, text=True, timeout=600,
                          env=environment)
    assert done.returncode == 0, done.stderr
    return done.stdout


START = """
import os, signal, sys, threading, time
{before}
import tarn.core as mx

over = threading.Event()
def press(*pauses):
    "After each of these seconds, until it is over."
    for seconds in pauses:
        if not over.wait(seconds):
            signal.raise_signal(signal.SIGINT)

def start_pressing(*pauses):
    thread = threading.Thread(target=press, args=pauses)
    thread.start()
    return thread

def end_pressing(thread):
    "One that came late is no matter."
    while not over.is_set() or thread.is_alive():
        try:
            over.set()
            thread.join()
            (lambda: None)()  # where Python looks for signals
        except KeyboardInterrupt:
            pass

def matrix():
    a = mx.full((1000, 1000), 0.001)
    mx.eval(a)
    return a

def seconds_of_products():
    a, start = matrix(), time.time()
    mx.eval(products(a, 5))
    return (time.time() - start) / 5

def products(a, count):
    b = a
    for _ in range(count):
        b = b @ a
    return b

each = seconds_of_products()
def lasting(seconds):
    "A graph that takes about so long."
    return products(matrix(), max(1, int(seconds / each)))
"""


def after(text, before=""):
    return START.replace("{before}", before) + text


ENDLESS = """
pressing = start_pressing({pauses})
try:
    mx.eval(lasting(100))
    print("finished")
except KeyboardInterrupt:
    end_pressing(pressing)
    print((mx.ones(2) + 1).tolist())
"""


@pytest.mark.parametrize("before, pauses", [
    ("", "0.3"), ("signal.signal(signal.SIGINT, signal.default_int_handler); time.sleep(0.05)", "0.3"),
    ("import tarn.mlx", "0.3, 1.2"), ("signal.signal(signal.SIGINT, lambda *_: None)", "0.3, 1.2")])  # fmt: skip
def test_control_c_ends_an_evaluation(before, pauses):
    """Under tarn.mlx, and with a handler that may not raise, when it is pressed again."""
    assert printed(after(ENDLESS.replace("{pauses}", pauses), before)) == "[2.0, 2.0]\n"


IMPORTED = """
import threading
thread = threading.Thread(target=__import__, args=["tarn.core"])
thread.start()
thread.join()
"""


def test_control_c_works_where_a_thread_imported_the_module():
    assert printed(after(ENDLESS.replace("{pauses}", "0.3"), IMPORTED)) == "[2.0, 2.0]\n"


FORKED = """
def pressed_during(seconds):
    "What a press after half a second makes of a graph of about so long."
    a, returned, late = lasting(seconds), [], []
    threading.Timer(0.5, lambda: (late.extend(returned), signal.raise_signal(signal.SIGINT))).start()
    try:
        mx.eval(a)
        returned.append(True)
        while True:
            pass
    except KeyboardInterrupt:
        pass
    try:
        return "late" if late else "whole" if mx.allclose(a, matrix()).item() else "wrong"
    except KeyboardInterrupt:
        return "given up"

child = os.fork()
if child == 0:
    for _ in range(10):
        each = seconds_of_products()
        found = pressed_during(1)
        if found not in ("late", "given up"):
            break
    print(found, flush=True)
    os._exit(0)
os.waitpid(child, 0)
"""


def test_a_forked_child_has_the_same_patience():
    """A second, in which what is nearly done ends. Where the machine was slower or faster than measured, and the graph
    ended before the press or long after it, once more."""
    assert printed(after(FORKED)) == "whole\n"


FLAG = """
flags = []
signal.signal(signal.SIGINT, lambda *_: flags.append(1))
a = lasting(3)
pressing = start_pressing(0.3)
mx.eval(a)
pressing.join()
print(mx.allclose(a, matrix()).item(), flags)
"""


def test_a_handler_that_sets_a_flag_loses_nothing():
    assert printed(after(FLAG)) == "True [1]\n"


TRACED = """
calls = []
def handler(*_):
    calls.append(1)
    signal.signal(signal.SIGINT, {next})

def traced(a):
    signal.raise_signal(signal.SIGINT)
    time.sleep(1.5)
    return a + 1

signal.signal(signal.SIGINT, handler)
time.sleep(0.05)
mx.eval(matrix())
print(mx.compile(traced)(mx.ones(2)).tolist(), calls)
"""


@pytest.mark.parametrize("following", ["signal.SIG_DFL", "handler"])
def test_one_press_is_one_signal(following):
    """What traces for long is not sent another, which may end the process."""
    assert printed(after(TRACED.replace("{next}", following))) == "[2.0, 2.0] [1]\n"


TRAINING = """
import signal, sys, threading
{before}
import {package}.core as mx, {package}.nn as nn, {package}.optimizers as optim
model, optimizer, x = nn.Sequential(nn.Linear(300, 1000), nn.ReLU(), nn.Linear(1000, 300)), optim.Adam(1e-3), mx.random.normal((500, 300))
step = nn.value_and_grad(model, lambda x: (model(x) ** 2).mean())
first = step(x)[0].item()
steps = 0
for _ in range(3):
    press = threading.Timer(0.5, lambda: signal.raise_signal(signal.SIGINT))
    try:
        while True:
            loss, gradients = step(x)
            optimizer.update(model, gradients)
            mx.eval(model.state, optimizer.state)
            steps += 1
            press.ident or press.start()
    except KeyboardInterrupt:
        mx.eval(model.parameters(), optimizer.state)
print(steps > 0, step(x)[0].item() < first)
"""


@pytest.mark.parametrize("package, before", [("tarn", ""), ("mlx", "import tarn.mlx")])
def test_control_c_leaves_a_training_whole(package, before):
    """What a step has begun is finished: parameters can be computed, saved and trained on."""
    program = TRAINING.replace("{package}", package).replace("{before}", before)
    assert printed(program) == "True True\n"


LOADING = """
import os, signal, sys, threading
import tarn.core as mx
pressed = threading.Event()
def press():
    pressed.wait()
    os.kill(os.getpid(), signal.SIGINT)
thread = threading.Thread(target=press)
thread.start()
try:
    pressed.set()  # who waits for it goes on when loading gives up the interpreter's lock
    while True:
        try:
            mx._engine.Model(sys.argv[1])
        except (RuntimeError, ValueError):
            pass
except KeyboardInterrupt:
    print((mx.ones(2) + 1).tolist())
"""


def test_control_c_while_a_model_is_loaded_leaves_no_error(tmp_path):
    (tmp_path / "config.json").write_text("[" + "1," * 2_000_000 + "1]")  # it takes its time, and is no object
    assert printed(LOADING, tmp_path) == "[2.0, 2.0]\n"
