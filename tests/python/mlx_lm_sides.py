"""mlx-lm on real mlx and through tarn.mlx: programs that the tests of mlx-lm start, and what they leave behind."""

import json
import os
import subprocess
import sys
from pathlib import Path

import tarn
from plain_python import PLAIN

HERE = Path(__file__).resolve().parent
PACKAGES = Path(tarn.__file__).absolute().parents[1]
MODEL = HERE.parents[1] / "models" / "tiny"
ENVIRONMENT = {**os.environ, "PYTHONPATH": str(PACKAGES), "HF_HUB_OFFLINE": "1", "COLUMNS": "120"}
SIDES = {"mlx": [PLAIN], "tarn": [sys.executable, "-m", "tarn.mlx"]}


def start(side, folder, *arguments):
    folder.mkdir(exist_ok=True)
    command = [*SIDES[side], *map(str, arguments)]
    return subprocess.Popen(
        command, cwd=folder, env=ENVIRONMENT, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )


def ended(process):
    output, _ = process.communicate(timeout=3000 if "TARN_LONG" in os.environ else 600)
    assert process.returncode == 0, output[-3000:]
    return output


def both(folder, *arguments):
    """What the two print, one after the other: a machine with two cores has no more to give."""
    return {side: ended(start(side, folder / side, *arguments)) for side in SIDES}


def results(folder, program, *arguments):
    """What a program of this folder writes as JSON into the file that is its last argument, by side."""
    both(folder, HERE / program, *arguments, "result.json")
    return {side: json.loads((folder / side / "result.json").read_text()) for side in SIDES}


def float_copy(folder):
    """Each side's float32 copy of the tiny model: f32, in the folder of the side."""
    both(folder, "-m", "mlx_lm", "convert", "--hf-path", MODEL, "--mlx-path", "f32", "--dtype", "float32")


def tensors(path):
    """(dtype, shape, bytes) of each array of a safetensors file."""
    data = path.read_bytes()
    behind = 8 + int.from_bytes(data[:8], "little")
    header = json.loads(data[8:behind])
    return {
        name: (one["dtype"], one["shape"], data[behind + one["data_offsets"][0] : behind + one["data_offsets"][1]])
        for name, one in header.items() if name != "__metadata__"
    }  # fmt: skip
