"""mlx-lm on real mlx and through tarn.mlx, on a GPU, too: programs that the tests of mlx-lm start, and what they leave behind."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import tarn
from plain_python import PLAIN

HERE = Path(__file__).resolve().parent
PACKAGES = Path(tarn.__file__).absolute().parents[1]
MODEL = HERE.parents[1] / "models" / "tiny"
PATHS = [str(PACKAGES), *filter(None, [os.environ.get("PYTHONPATH")])]  # mlx-lm may be on one that the tests were given
ENVIRONMENT = {**os.environ, "PYTHONPATH": os.pathsep.join(PATHS), "HF_HUB_OFFLINE": "1", "COLUMNS": "120"}
TARN = [sys.executable, "-m", "tarn.mlx"]
COMMANDS = {"mlx": [PLAIN], "tarn": TARN, "gpu": [*TARN, "--device", "gpu"]}
SIDES = ("mlx", "tarn")


def start(side, folder, *arguments):
    folder.mkdir(exist_ok=True)
    command = [*COMMANDS[side], *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(process):
    output, _ = process.communicate(timeout=3000 if "TARN_LONG" in os.environ else 600)
    assert process.returncode == 0, output[-3000:]
    return output


def both(folder, *arguments, sides=SIDES):
    """What the two print, one after the other: a machine with two cores has no more to give."""
    return {side: ended(start(side, folder / side, *arguments)) for side in sides}


def results(folder, program, *arguments, sides=SIDES):
    """What a program of this folder writes as JSON into the file that is its last argument, by side."""
    both(folder, HERE / program, *arguments, "result.json", sides=sides)
    return {side: json.loads((folder / side / "result.json").read_text()) for side in sides}


def float_copy(folder, sides=SIDES):
    """Each side's float32 copy of the tiny model: f32, in the folder of the side."""
    both(folder, "-m", "mlx_lm", "convert", "--hf-path", MODEL, "--mlx-path", "f32", "--dtype", "float32", sides=sides)


def without_colours(text):
    return re.sub(r"\x1b\[[0-9;]*[A-Za-z]", "", text)


def without_rates(text):
    """The lines that a command printed, but for what depends on time and memory."""
    lines = without_colours(text).splitlines()
    return [re.sub(r"(?<=tokens).*(tok/s|tokens-per-sec).*", "", line) for line in lines if not re.search("memory|Evaluation time|per second|Trial|Averages", line)]


def losses(text):
    """What mlx_lm.lora printed of a training and its validations."""
    return [float(value) for value in re.findall(r"(?:\d+ +|val )(\d+\.\d{3})(?= ▼| ▲|  )", without_colours(text))]


def assert_losses_close(ours, theirs):
    assert len(ours) == len(theirs)
    for a, b in zip(ours, theirs):
        assert abs(a - b) <= 0.01 * b + 1e-3, (ours, theirs)


def tensors(path):
    """(dtype, shape, bytes) of each array of a safetensors file."""
    data = path.read_bytes()
    behind = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:behind])
    return {
        name: (one["dtype"], one["shape"], data[behind + one["data_offsets"][0] : behind + one["data_offsets"][1]])
        for name, one in header.items() if name != "__metadata__"
    }  # fmt: skip
