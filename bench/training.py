"""training.py: steps of training in Tarn, mlx and PyTorch on this CPU, in one run: a perceptron, a convolutional
network, a transformer, and the optimizer's update of 100 M parameters beside what the memory can move. The sides take
turns, since the host's rate may change from one second to the next; what counts is the ratio within a line.

ninja -C build bench_update_stream
PYTHONPATH=build/python .venv/bin/python -P bench/training.py [CASE ...] [--without mlx|torch|tarn] [--processor]
--processor: processor time of one thread, which says something on a machine that has other work, too."""

import argparse
import ctypes
import importlib
import importlib.util
import os
import pathlib
import time

import numpy

THREADS = len(os.sched_getaffinity(0))
clock = time.perf_counter


IN_TURN = 3  # calls of one side before the next has its turn; the first of them finds the caches as others left them
SLOW = 1.0  # seconds: such a step takes its turn once, and has no use for a second call before it is timed


def timed(step):
    start = clock()
    step()
    return clock() - start


def calls_in_turn(step):
    """After calls that are not counted: the first ones compile and get memory."""
    if timed(step) > SLOW:
        return 1
    step()
    return IN_TURN


def bests(steps, seconds):
    """The shortest time of each step, all in turn until each has had so many seconds."""
    times = {name: [] for name in steps}
    calls = {name: calls_in_turn(step) for name, step in steps.items()}
    while waiting := [name for name in steps if sum(times[name]) < seconds]:
        for name in waiting:
            times[name] += [timed(steps[name]) for _ in range(calls[name])]
    return {name: min(own) for name, own in times.items()}


class Arrays:
    """mlx or Tarn: the same program on either, compiled, as their users write it."""

    def __init__(self, package):
        names = ("core", "nn", "optimizers")
        self.mx, self.nn, self.optim = (importlib.import_module(f"{package}.{name}") for name in names)

    def step(self, model, optimizer, x, y, compiled):
        mx, nn = self.mx, self.nn
        x, y = mx.array(x), mx.array(y)
        value_and_grad = nn.value_and_grad(model, lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean"))
        state = [model.state, optimizer.state, mx.random.state]

        def plain(x, y):
            loss, gradients = value_and_grad(x, y)
            optimizer.update(model, gradients)
            return loss

        run = mx.compile(plain, inputs=state, outputs=state) if compiled else plain
        return lambda: mx.eval(run(x, y), state)

    def perceptron(self, x, y):
        nn = self.nn
        model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
        return model, self.optim.SGD(1e-2)

    def convolutional(self, x, y):
        nn = self.nn
        model = nn.Sequential(
            *[nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm(32), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm(64), nn.ReLU(), nn.MaxPool2d(2)],
            *[lambda x: x.reshape(x.shape[0], -1), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10)],
        )
        return model, self.optim.Adam(1e-3)

    def transformer(self, x, y):
        mx, nn = self.mx, self.nn

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.embedding = nn.Embedding(256, 256)
                self.encoder = nn.TransformerEncoder(4, 256, 8)
                self.head = nn.Linear(256, 256)

            def __call__(self, x):
                mask = nn.MultiHeadAttention.create_additive_causal_mask(x.shape[1])
                return self.head(self.encoder(self.embedding(x), mask))

        return Model(), self.optim.AdamW(1e-3)

    def case(self, name, x, y, compiled):
        self.mx.random.seed(0)
        return self.step(*getattr(self, name)(x, y), x, y, compiled)

    def update(self, name, sizes):
        """A step of an optimizer over parameters of these sizes."""
        mx = self.mx
        parameters = {str(i): mx.random.normal((size,)) for i, size in enumerate(sizes)}
        gradients = {str(i): mx.random.normal((size,)) for i, size in enumerate(sizes)}
        optimizer = getattr(self.optim, name)(1e-3)
        holder = self.nn.Module()
        holder.update(parameters, strict=False)
        for key, value in parameters.items():
            holder[key] = value
        del parameters, value
        mx.eval(holder, gradients)

        def step():
            optimizer.update(holder, gradients)
            mx.eval(holder, optimizer.state)

        return step


class Torch:
    def __init__(self):
        import torch

        torch.set_num_threads(THREADS)
        torch.manual_seed(0)
        self.torch, self.nn = torch, torch.nn

    def perceptron(self):
        nn = self.nn
        model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 256), nn.ReLU(), nn.Linear(256, 10))
        return model, self.torch.optim.SGD(model.parameters(), 1e-2)

    def convolutional(self):
        nn = self.nn
        model = nn.Sequential(
            *[nn.Conv2d(1, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.Conv2d(32, 64, 3, padding=1), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(2)],
            *[nn.Flatten(), nn.Linear(3136, 128), nn.ReLU(), nn.Linear(128, 10)],
        ).to(memory_format=self.torch.channels_last)
        return model, self.torch.optim.Adam(model.parameters(), 1e-3)

    def transformer(self):
        torch, nn = self.torch, self.nn

        class Model(nn.Module):
            def __init__(self):
                super().__init__()
                self.embedding = nn.Embedding(256, 256)
                layer = nn.TransformerEncoderLayer(256, 8, 1024, 0.0, batch_first=True, norm_first=True)
                self.encoder = nn.TransformerEncoder(layer, 4, nn.LayerNorm(256), enable_nested_tensor=False)
                self.head = nn.Linear(256, 256)

            def forward(self, x):
                mask = nn.Transformer.generate_square_subsequent_mask(x.shape[1])
                return self.head(self.encoder(self.embedding(x), mask=mask, is_causal=True)).flatten(0, 1)

        model = Model()
        return model, torch.optim.AdamW(model.parameters(), 1e-3)

    def case(self, name, x, y, compiled):
        torch = self.torch
        x, y = torch.tensor(x), torch.tensor(y).long().flatten()
        if name == "convolutional":
            x = x.permute(0, 3, 1, 2)  # channels last in memory, as the arrays of the others
        model, optimizer = getattr(self, name)()
        loss_of = self.nn.CrossEntropyLoss()

        def step():
            optimizer.zero_grad()
            loss = loss_of(model(x), y)
            loss.backward()
            optimizer.step()
            return loss.item()

        return step

    def update(self, name, sizes):
        torch = self.torch
        parameters = [torch.nn.Parameter(torch.randn(size)) for size in sizes]
        for parameter in parameters:
            parameter.grad = torch.randn(parameter.shape)
        return getattr(torch.optim, name)(parameters, 1e-3, **({"fused": True} if name != "Adagrad" else {})).step


def stream(size, states):
    """What reads gradients and reads and writes parameters and so many states of this size, with one addition each."""
    package = pathlib.Path(importlib.util.find_spec("tarn").origin).parent
    library = ctypes.CDLL(str(package.parents[1] / "bench" / "libbench_update_stream.so"))
    arrays = [numpy.ones(size, "f4") for _ in range(states + 2)]
    gradients, *changed = (a.ctypes.data_as(ctypes.c_void_p) for a in arrays)
    pointers = (ctypes.c_void_p * len(changed))(*changed)
    arguments = pointers, gradients, len(changed), ctypes.c_long(size), THREADS
    return lambda arrays=arrays: library.update_stream(*arguments)


def data(name):
    random = numpy.random.default_rng(0)
    if name == "transformer":
        tokens = random.integers(0, 256, (8, 129)).astype("int32")
        return tokens[:, :-1], tokens[:, 1:]
    shape = (256, 784) if name == "perceptron" else (64, 28, 28, 1)
    return random.normal(size=shape).astype("f4"), random.integers(0, 10, shape[0]).astype("int32")


MODELS = ["perceptron", "convolutional", "transformer"]
STATES = {"SGD": 0, "Lion": 1, "Adam": 2, "AdamW": 2}  # arrays beside a parameter and its gradient
SIZES = [25_000_000] * 4


def print_models(names, sides, seconds):
    columns = [f"{side}{kind}" for side in sides for kind in (("",) if side == "torch" else ("", ", compiled"))]
    print(f"{'step of training, ms':22}" + "".join(f"{column:>16}" for column in columns))
    for name in names:
        steps = {column: sides[column.split(",")[0]].case(name, *data(name), "," in column) for column in columns}
        print(f"{name:22}" + "".join(f"{1e3 * time:16.2f}" for time in bests(steps, seconds).values()), flush=True)


def print_updates(names, sides, seconds):
    print(f"update of {sum(SIZES) / 1e6:.0f} M parameters")
    for name in names:
        moved = (12 + 8 * STATES[name]) * sum(SIZES)  # float32: all are read, and but for the gradient written
        for side, one in sides.items():
            if side == "torch" and not hasattr(one.torch.optim, name):
                continue
            times = bests({"update": one.update(name, SIZES), "limit": stream(sum(SIZES), STATES[name])}, seconds)
            rate, limit = moved / times["update"], moved / times["limit"]
            shares = f"{rate / 1e9:8.1f} GB/s {100 * rate / limit:6.0f} % of {limit / 1e9:.1f}"
            print(f"{name:8}{side:8}{times['update'] * 1e3:10.1f} ms {shares}", flush=True)


def use_one_thread():
    """Before the packages are imported, which read the environment."""
    global THREADS, clock
    THREADS, clock = 1, time.process_time
    os.environ |= {"TARN_THREADS": "1", "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("cases", nargs="*", default=[*MODELS, *STATES])
    parser.add_argument("--without", action="append", default=[])
    parser.add_argument("--seconds", type=float, default=3.0)
    parser.add_argument("--processor", action="store_true")
    arguments = parser.parse_args()
    if arguments.processor:
        use_one_thread()
    sides = {name: Arrays(name) for name in ("tarn", "mlx") if name not in arguments.without}
    if "torch" not in arguments.without and importlib.util.find_spec("torch"):
        sides["torch"] = Torch()
    models, updates = ([name for name in arguments.cases if name in known] for known in (MODELS, STATES))
    if models:
        print_models(models, sides, arguments.seconds)
    if updates:
        print_updates(updates, sides, arguments.seconds)


if __name__ == "__main__":
    main()
