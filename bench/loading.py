"""loading.py FOLDER: from the start of `tarn generate` to its first token, beside what reading the checkpoint from the page cache and copying it over the link take.

python3 bench/loading.py FOLDER [--tarn build/tarn] [--device gpu] [--layers 28] [--vocabulary 128256] [--rounds 5]

FOLDER gets a checkpoint of the 3B shape, bfloat16 (6.4 GB), unless it holds one of that size. It is read once before anything is timed. The link is timed by PyTorch
between page-locked memory and the device, where that is installed, else it is what `tarn doctor` says of uploads. A token is a prompt of 16 ids and `-m 1`, the whole
process up to the first byte that it prints; what the first round compiles is kept for the others, so that it is told by itself. An upload is that of the mapped
file's tensors alone, by tarn_prefetch, each round from a new mapping; the first, told by itself, takes the device's memory, too."""

import argparse
import ctypes
import json
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np

HIDDEN, INNER, HEADS, KV_HEADS, HEAD = 3072, 8192, 24, 8, 128
BLOCK = 64 << 20  # bytes of random numbers, which repeat
DEVICES = ["cpu", "mock", "gpu"]  # in the order of tarn_device_type


def shapes(layers, vocabulary):
    yield "model.embed_tokens.weight", (vocabulary, HIDDEN)
    rows = {"self_attn.q_proj": HEADS * HEAD, "self_attn.k_proj": KV_HEADS * HEAD, "self_attn.v_proj": KV_HEADS * HEAD, "self_attn.o_proj": HIDDEN}
    for i in range(layers):
        for name in ("input_layernorm", "post_attention_layernorm"):
            yield f"model.layers.{i}.{name}.weight", (HIDDEN,)
        for name, count in rows.items():
            yield f"model.layers.{i}.{name}.weight", (count, HEADS * HEAD if name.endswith("o_proj") else HIDDEN)
        for name, shape in {"gate_proj": (INNER, HIDDEN), "up_proj": (INNER, HIDDEN), "down_proj": (HIDDEN, INNER)}.items():
            yield f"model.layers.{i}.mlp.{name}.weight", shape
    yield "model.norm.weight", (HIDDEN,)


def header_of(layers, vocabulary):
    """The file's first bytes, and how many come behind them."""
    entries, at = {}, 0
    for name, shape in shapes(layers, vocabulary):
        end = at + 2 * int(np.prod(shape))
        entries[name] = {"dtype": "BF16", "shape": list(shape), "data_offsets": [at, end]}
        at = end
    text = json.dumps(entries).encode()
    text += b" " * (-len(text) % 64 + 56)
    return len(text).to_bytes(8, "little") + text, at


def config_of(layers, vocabulary):
    return {
        "architectures": ["LlamaForCausalLM"], "model_type": "llama", "hidden_size": HIDDEN, "intermediate_size": INNER, "num_hidden_layers": layers,
        "num_attention_heads": HEADS, "num_key_value_heads": KV_HEADS, "head_dim": HEAD, "vocab_size": vocabulary, "max_position_embeddings": 131072,
        "rope_theta": 500000.0, "rms_norm_eps": 1e-5, "hidden_act": "silu", "tie_word_embeddings": True, "torch_dtype": "bfloat16", "attention_bias": False,
        "mlp_bias": False, "bos_token_id": 1, "eos_token_id": 2,
    }  # fmt: skip


def make_checkpoint(folder, layers, vocabulary):
    path, (header, size) = folder / "model.safetensors", header_of(layers, vocabulary)
    if path.exists() and path.stat().st_size == len(header) + size:
        return path
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config_of(layers, vocabulary)))
    numbers = np.random.default_rng(1).standard_normal(BLOCK // 2, dtype=np.float32) * 0.02
    block = (numbers.view(np.uint32) >> 16).astype(np.uint16).tobytes()
    with path.open("wb") as file:
        file.write(header)
        for at in range(0, size, BLOCK):
            file.write(block[: size - at])
    return path


def read_file(path, threads, piece=256 << 20):
    """Seconds to bring the whole file into memory that is there already."""
    size = path.stat().st_size
    piece = min(piece, -(-size // threads))
    rooms = [bytearray(piece) for _ in range(threads)]
    with path.open("rb", buffering=0) as file:

        def share(i):
            for at in range(i * piece, size, threads * piece):
                os.preadv(file.fileno(), [memoryview(rooms[i])[: size - at]], at)

        begin = time.perf_counter()
        workers = [threading.Thread(target=share, args=(i,)) for i in range(threads)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        return time.perf_counter() - begin


def pinned_rate():
    """Bytes a second from page-locked memory to the device."""
    import torch

    host, there = torch.empty(1 << 30, dtype=torch.uint8).pin_memory(), torch.empty(1 << 30, dtype=torch.uint8, device="cuda")
    best = float("inf")
    for _ in range(5):
        torch.cuda.synchronize()
        begin = time.perf_counter()
        there.copy_(host, non_blocking=True)
        torch.cuda.synchronize()
        best = min(best, time.perf_counter() - begin)
    return (1 << 30) / best


def link_rate(options):
    if options.device == "cpu":
        return float("inf"), "none"
    try:
        return pinned_rate(), "page-locked"
    except Exception as why:
        told = json.loads(subprocess.run([options.tarn, "doctor", "--device", options.device, "--json"], capture_output=True, check=True).stdout)
        return told["upload_gbps"] * 1e9, f"tarn doctor ({type(why).__name__} of PyTorch)"


class Device(ctypes.Structure):
    _fields_ = [("type", ctypes.c_int), ("index", ctypes.c_int)]


def upload(library, path):
    """Seconds from the first tensor's prefetch to the end of the last one's copy."""
    tensors = library.tarn_load_safetensors(os.fsencode(path))
    begin = time.perf_counter()
    good = all(library.tarn_prefetch(library.tarn_tensors_at(tensors, i), None) for i in range(library.tarn_tensors_count(tensors)))
    if not library.tarn_synchronize(None) or not good:
        sys.exit(library.tarn_error().decode())
    seconds = time.perf_counter() - begin
    library.tarn_tensors_free(tensors)
    return seconds


def uploads(options, path):
    """The first one's seconds, and the best of the others."""
    library = ctypes.CDLL(str(Path(options.tarn).resolve().parent / "libtarn.so"))
    handle = ctypes.c_void_p
    library.tarn_load_safetensors.restype = library.tarn_tensors_at.restype = handle
    library.tarn_tensors_at.argtypes = (handle, ctypes.c_int64)
    library.tarn_tensors_count.argtypes = library.tarn_tensors_free.argtypes = library.tarn_synchronize.argtypes = (handle,)
    library.tarn_tensors_count.restype, library.tarn_error.restype = ctypes.c_int64, ctypes.c_char_p
    library.tarn_prefetch.argtypes = (handle, handle)
    for name in ("prefetch", "synchronize", "set_default_device"):
        getattr(library, f"tarn_{name}").restype = ctypes.c_bool
    kind, _, index = options.device.partition(":")
    if not library.tarn_set_default_device(Device(DEVICES.index(kind), int(index or 0))):
        sys.exit(library.tarn_error().decode())
    times = [upload(library, path) for _ in range(options.rounds + 1)]
    return times[0], min(times[1:])


def first_token(options, folder):
    """Seconds to the first byte, and the token."""
    ids = " ".join(map(str, range(1, 17)))
    begin = time.perf_counter()
    command = [options.tarn, "generate", str(folder), "--prompt-ids", ids, "-m", "1", "--device", options.device]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        first = process.stdout.read(1)
        seconds = time.perf_counter() - begin
        rest, told = process.communicate()
    if process.returncode or not first:
        sys.exit(told.decode())
    return seconds, (first + rest).decode().strip()


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--tarn", default=str(Path(__file__).resolve().parents[1] / "build" / "tarn"))
    parser.add_argument("--device", default="gpu")
    for name, default in {"layers": 28, "vocabulary": 128256, "rounds": 5}.items():
        parser.add_argument(f"--{name}", type=int, default=default)
    options = parser.parse_args()
    path, threads = make_checkpoint(options.folder, options.layers, options.vocabulary), len(os.sched_getaffinity(0))
    size = path.stat().st_size
    read_file(path, threads)
    rate, how = link_rate(options)
    link = size / rate
    one, all_threads = (min(read_file(path, n) for _ in range(2)) for n in (1, threads))
    print(f"{size * 1e-9:.2f} GB; read by 1 thread {one * 1e3:.0f} ms, by {threads} {all_threads * 1e3:.0f}; link {link * 1e3:.0f} ms ({rate * 1e-9:.1f} GB/s, {how})")
    if options.device != "cpu":
        first, best = uploads(options, path)
        print(f"upload of the mapped file {best * 1e3:.0f} ms ({first * 1e3:.0f} at first): {link / best:.0%} of the link's rate (80 % are asked)")
    times, tokens = zip(*(first_token(options, options.folder) for _ in range(options.rounds + 1)))
    print(f"first token, ms: {times[0] * 1e3:.0f} at first, then " + ", ".join(f"{t * 1e3:.0f}" for t in times[1:]) + f"; token {tokens[0]}")
    if len(set(tokens)) > 1:
        sys.exit(f"the tokens differ: {tokens}")
    best = min(times[1:])
    for who, seconds in (("1 thread", one), (f"{threads} threads", all_threads)):
        print(f"{best * 1e3:.0f} ms: {best / (seconds + link):.2f} of reading by {who} and copying (1.3 is asked)")


main()
