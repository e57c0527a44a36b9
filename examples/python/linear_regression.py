"""Finds the weights of a linear function again from noisy values of it."""

import argparse

import tarn.core as mx
from tarn import nn, optimizers, training

INPUTS, ROWS = 20, 2000


def data(seed):
    """Inputs, noisy values, and the weights behind them."""
    keys = mx.random.split(mx.random.key(seed), 3)
    weights = mx.random.normal((INPUTS, 1), key=keys[0])
    x = mx.random.normal((ROWS, INPUTS), key=keys[1])
    return x, x @ weights + 0.1 * mx.random.normal((ROWS, 1), key=keys[2]), weights


def run(seed=0, steps=300, **options):
    """How far the weights found are from those behind the data, at most, and the loss of the last batch."""
    x, y, weights = data(seed)
    mx.random.seed(seed)
    model = nn.Linear(INPUTS, 1)
    schedule = optimizers.cosine_decay(0.1, steps)
    loss = lambda x, y: nn.losses.mse_loss(model(x), y)
    trainer = training.Trainer(model, optimizers.SGD(schedule, momentum=0.5), loss, **options)
    last = trainer.run(training.Batches(x, y, size=100, seed=seed), steps)
    return {"error": mx.abs(model.weight.T - weights).max().item(), "loss": last, "model": model}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    found = run(parser.parse_args().seed)
    print(f"weights within {found['error']:.4f}; loss {found['loss']:.4f}, of which the noise is 0.01")
