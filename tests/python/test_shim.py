"""tarn.mlx: the names of MLX are Tarn's modules, and programs run through python -m tarn.mlx as they would by
themselves."""

import os
import subprocess
import sys

import pytest

tarn = pytest.importorskip("tarn")


def run(*arguments, code=0, cwd=None):
    environment = {**os.environ, "PYTHONPATH": os.path.dirname(os.path.dirname(tarn.__file__))}
    ran = subprocess.run([sys.executable, *arguments], capture_output=True, text=True, env=environment, cwd=cwd,
                         timeout=600)
    assert ran.returncode == code, ran.stderr
    return ran.stdout.strip() if code == 0 else ran.stderr.strip()


def test_modules_have_second_names():
    names = "import tarn.mlx, tarn.core, mlx, mlx.core as mx, mlx.core.random as r; from mlx.core import array"
    assert run("-c", f"{names}; print(mx is tarn.core, mlx.core is mx, r is tarn.core.random, array is mx.array)"
               ) == "True True True True"


def test_names_print_as_those_of_mlx():
    assert run("-c", "import tarn.mlx, mlx.core as mx; print(mx.float32)") == "mlx.core.float32"
    assert run("-c", "import tarn.core as mx; print(mx.float32)") == "tarn.core.float32"
    assert run("-c", "import tarn.mlx, mlx.core as mx; print(mx.__version__)").startswith("0.32.")


def test_programs_ask_whether_mlx_is_there():
    assert run(
        "-c",
        "import tarn.mlx, importlib.util as u; print(all(map(u.find_spec, ('mlx', 'mlx.core', 'mlx.nn'))))") == "True"


def test_types_are_those_of_mlx():
    assert run(
        "-c",
        "import tarn.mlx, mlx.core as mx, pickle; print(mx.array.__module__, b'mlx.core' in pickle.dumps(mx.array(1)))"
    ) == "mlx.core True"


def test_a_script(tmp_path):
    (tmp_path / "beside.py").write_text("value = 7\n")
    (tmp_path / "script.py").write_text(
        "import sys, beside, mlx.core as mx\nif __name__ == '__main__': print(sys.argv, beside.value, mx.array(1) + 1)\n"
    )
    script = str(tmp_path / "script.py")
    assert run("-m", "tarn.mlx", script, "-x", "y") == f"['{script}', '-x', 'y'] 7 array(2, dtype=int32)"


def test_a_script_in_safe_mode(tmp_path):
    """python -P: the folder of the script is no place of modules."""
    (tmp_path / "beside.py").write_text("")
    (tmp_path / "script.py").write_text("import importlib.util, mlx.core\nprint(importlib.util.find_spec('beside'))\n")
    assert run("-P", "-m", "tarn.mlx", str(tmp_path / "script.py")) == "None"


def test_a_module_and_a_program(tmp_path):
    (tmp_path / "some.py").write_text("import sys, mlx.core as mx\nprint(__name__, sys.argv[1:], mx.array(2).item())\n")
    assert run("-m", "tarn.mlx", "-m", "some", "a", cwd=tmp_path) == "__main__ ['a'] 2"
    assert run("-m", "tarn.mlx", "-c", "import sys, mlx.core; print(sys.argv)", "a") == "['-c', 'a']"


def test_a_script_that_fails_or_leaves(tmp_path):
    (tmp_path / "leaves.py").write_text("import sys\nsys.exit(3)\n")
    (tmp_path / "fails.py").write_text("1 / 0\n")
    run("-m", "tarn.mlx", str(tmp_path / "leaves.py"), code=3)
    assert run("-m", "tarn.mlx", str(tmp_path / "fails.py"), code=1).endswith("ZeroDivisionError: division by zero")


def test_wrong_use():
    assert "usage" in run("-m", "tarn.mlx", code=2) and "usage" in run("-m", "tarn.mlx", "-z", code=2)
    assert "usage" in run("-m", "tarn.mlx", "--help")


def test_the_device_of_a_program():
    program = ["-c", "import mlx.core as mx; print(mx.default_device())"]
    assert run("-m", "tarn.mlx", "--device", "cpu", *program) == "Device(cpu, 0)"
    assert "there is no device gpu 9999" in run("-m", "tarn.mlx", "--device", "gpu:9999", *program, code=2)
    for wrong in ("cuda", "gpu:", "gpu:-1"):
        assert "must be cpu, gpu or gpu:N" in run("-m", "tarn.mlx", "--device", wrong, *program, code=2)
    assert "usage" in run("-m", "tarn.mlx", "--device", code=2) and "usage" in run("-m", "tarn.mlx", "--device", "cpu", code=2)


def test_mlx_itself_must_not_be_there_already():
    pytest.importorskip("mlx.core")
    assert run("-c", "import mlx.core, tarn.mlx", code=1).endswith("a process has one of the two")


INTERRUPTED_TRAINING = """
import os, signal, sys, threading, time
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell starts what runs in the background with Ctrl-C ignored
import mlx.core as mx
presses = int(sys.argv[1])
state = [mx.eye(600), mx.array(0.0)]
mx.eval(state)

def step():
    for _ in range({products}):
        state[0] = state[0] @ state[0]
    state[1] = state[1] + 1

def press():
    for _ in range(presses):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

f = mx.compile(step, inputs=state, outputs=state)
try:
    f()
    threading.Timer(0.2, press).start()
    mx.eval(state)
    while True:
        pass
except KeyboardInterrupt:
    try:
        print(state[0].sum().item(), state[1].item())
    except KeyboardInterrupt:
        print("ended")
"""


def test_control_c_finishes_an_evaluation_first_and_ends_it_when_pressed_again(tmp_path):
    script = tmp_path / "script.py"
    script.write_text(INTERRUPTED_TRAINING.replace("{products}", "200"))
    assert run("-m", "tarn.mlx", str(script), "1") == "600.0 1.0"
    script.write_text(INTERRUPTED_TRAINING.replace("{products}", "3000"))
    assert run("-m", "tarn.mlx", str(script), "2") == "ended"
