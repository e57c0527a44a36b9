"""What a training run needs beside a model and an optimizer: batches, steps that report what goes wrong, checkpoints
from which a run goes on as if it had not been interrupted, a line of progress, measurements as JSON lines.

>>> from tarn import nn, optimizers, training
>>> x = mx.random.normal((256, 2), key=mx.random.key(1)); y = x[:, :1] - 2 * x[:, 1:]
>>> model = nn.Linear(2, 1)
>>> trainer = training.Trainer(model, optimizers.SGD(0.1), lambda x, y: nn.losses.mse_loss(model(x), y), show=False)
>>> loss = trainer.run(training.Batches(x, y, size=32), steps=200)
>>> mx.round(model.weight, 2)
array([[1, -2]], dtype=float32)
"""

import json
import math
import os
import queue
import sys
import threading
import time
from collections.abc import Iterator
from typing import Any, Optional

import tarn.core as mx
from tarn.nn.utils import value_and_grad
from tarn.utils import tree_flatten, tree_unflatten


class Batches:
    """Batches of size rows of arrays that go together, in an order drawn by seed anew for each pass over them; what is
    left of a pass is dropped. Which rows a step sees depends on nothing else."""

    def __init__(self, *arrays, size, seed=0) -> None:
        rows = {len(x) for x in arrays}
        if len(rows) != 1:
            raise ValueError(f"Batches: arrays of as many rows were expected, they have {sorted(rows)}")
        self.arrays, self.size, self.seed = arrays, size, seed
        self.count = rows.pop() // size  # in one pass
        if size < 1 or self.count < 1:
            raise ValueError(f"Batches: a batch of {size} of {len(arrays[0])} rows")

    def _order(self, number):
        return mx.random.permutation(len(self.arrays[0]), key=mx.random.key(self.seed * 1_000_003 + number))

    def after(self, step) -> Iterator[Any]:
        """The batches from that of step on, without end."""
        order = None
        while True:
            number, place = divmod(step, self.count)
            order = self._order(number) if order is None or place == 0 else order
            rows = order[place * self.size : (place + 1) * self.size]
            yield [x[rows] for x in self.arrays]
            step += 1


def ahead(batches, depth=2) -> Iterator[Any]:
    """The same batches, made by a thread of its own, up to depth of them ahead."""
    made, left = queue.Queue(depth), threading.Event()

    def hand(item):
        while not left.is_set():
            try:
                return made.put(item, timeout=0.1)
            except queue.Full:
                pass

    def make():
        try:
            for batch in batches:
                mx.eval(batch)
                hand((batch, None))
                if left.is_set():
                    return
            hand((None, StopIteration()))
        except Exception as error:
            hand((None, error))

    thread = threading.Thread(target=make, daemon=True)
    thread.start()
    try:
        while True:
            batch, error = made.get()
            if isinstance(error, StopIteration):
                return
            if error is not None:
                raise error
            yield batch
    finally:
        left.set()
        thread.join()


def save_checkpoint(file, step, model, optimizer, seed=None) -> None:
    """Writes to file, a name that ends in .safetensors, all that a run needs to go on after step: parameters, the
    optimizer's state, the state of random numbers. A file of that name stays as it is until the new one is whole. seed:
    that of the batches, noted for load_checkpoint."""
    parts = {"model": model.parameters(), "optimizer": optimizer.state, "random": list(mx.random.state)}
    notes = {"step": str(step), **({} if seed is None else {"seed": str(seed)})}
    mx.save_safetensors(os.fspath(file), tree_flatten(parts, destination={}), notes)


def load_checkpoint(file, model, optimizer, seed=None) -> int:
    """Puts model, optimizer and random numbers into the state of a checkpoint. Returns its step. seed: of the batches to
    come; a checkpoint with another, or that notes none, is an error."""
    arrays, metadata = mx.load(os.fspath(file), return_metadata=True)
    parts = {"model": {}, "optimizer": {}, "random": {}}
    for path, value in arrays.items():
        kind, _, name = path.partition(".")
        if kind not in parts or not name:
            raise ValueError(f"{file}: no checkpoint: it holds an array named {path}")
        parts[kind][name] = value
    if "step" not in metadata:
        raise ValueError(f"{file}: no checkpoint: it does not say of which step it is")
    if seed is not None and metadata.get("seed") != str(seed):
        raise ValueError(f"{file}: the checkpoint of a run with the seed {metadata.get('seed')}, not {seed}")
    model.load_weights(list(parts["model"].items()))
    optimizer.state = tree_unflatten(parts["optimizer"])
    high, low = parts["random"]["0"].tolist()
    mx.random.seed(high << 32 | low)  # whose key this is
    return int(metadata["step"])


def _is_there(file):
    """os.path.exists() says no of a file in a folder that may not be read, too."""
    try:
        os.stat(file)
    except FileNotFoundError:
        return False
    return True


def save_curves(file, *curves, width=800, height=500, logarithmic=False) -> None:
    """Draws curves over axes with numbers into a PNG file, which is written whole or not at all. A curve is a sequence of
    y, over 0, 1, 2, …, or a pair (x, y) of lists or arrays. logarithmic: the y axis. Numbers that are not finite, and of
    a logarithmic axis those of 0 and below, are gaps.

    >>> from tarn import training
    >>> training.save_curves("loss.png", [2.5, 1.25, 0.5], ([0, 2], [2.0, 1.5]))
    """
    listed = [curve if isinstance(curve, tuple) else (range(len(curve)), curve) for curve in curves]
    pairs = [tuple(x.tolist() if isinstance(x, mx.array) else list(x) for x in curve) for curve in listed]
    mx._engine.save_curves(os.fspath(file), pairs, width, height, logarithmic)


class Trainer:
    """Steps that change a model by the gradients of loss(*batch). checkpoint: a file that is written every so many
    steps and at the end, and from which a run goes on if it is there; one of batches with another seed is an error.
    metrics: a file to which a line of JSON is added for each report. show: a line of progress on stderr."""

    def __init__(self, model, optimizer, loss, *, checkpoint=None, every=100, metrics=None, show=True) -> None:
        self.model, self.optimizer = model, optimizer
        self.checkpoint, self.every, self.metrics, self.show = checkpoint, every, metrics, show
        self.done = 0
        self._value_and_grad = value_and_grad(model, loss)

    def step(self, *batch) -> float:
        """One step. Returns the loss. A loss that is no number is an error, and leaves the model as it was."""
        before = self.model.trainable_parameters()
        loss, gradients = self._value_and_grad(*batch)
        value = loss.item()
        if not math.isfinite(value):
            self.model.update(before)
            raise FloatingPointError(f"the loss of step {self.done + 1} is {value}")
        self.optimizer.update(self.model, gradients)
        mx.eval(self.model.parameters(), self.optimizer.state)
        self.done += 1
        return value

    def run(self, batches, steps) -> Optional[float]:
        """Goes on until so many steps are done since the first. Returns the last loss."""
        seed = getattr(batches, "seed", None)
        if self.checkpoint and self.done == 0 and _is_there(self.checkpoint):
            self.done = load_checkpoint(self.checkpoint, self.model, self.optimizer, seed)
        first, start, loss = self.done, time.perf_counter(), None
        for batch in ahead(batches.after(self.done)):
            if self.done >= steps:
                break
            loss = self.step(*batch)
            if self.done % self.every == 0 or self.done == steps:
                self._report(loss, steps, seed, (self.done - first) / (time.perf_counter() - start))
        if self.show and loss is not None:
            print(file=sys.stderr)
        return loss

    def _report(self, loss, steps, seed, rate):
        if self.checkpoint:
            save_checkpoint(self.checkpoint, self.done, self.model, self.optimizer, seed)
        if self.metrics:
            with open(self.metrics, "a") as file:
                file.write(json.dumps({"step": self.done, "loss": loss, "steps_per_second": rate}) + "\n")
        if self.show:
            left = (steps - self.done) / rate
            text = f"\rstep {self.done}/{steps}  loss {loss:.4f}  {rate:.1f} steps/s  {left:.0f} s left "
            print(text, end="", file=sys.stderr, flush=True)
