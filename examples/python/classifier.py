"""Tells the arms of a spiral apart with a perceptron, beside a logistic regression, which can only draw straight
lines."""

import argparse
import math

import tarn.core as mx
from tarn import nn, optimizers, training

ARMS, POINTS = 3, 1200


def spiral(seed):
    """Points [POINTS, 2] on the arms, with some noise, and which arm each is on."""
    keys = mx.random.split(mx.random.key(seed), 2)
    arm = mx.arange(POINTS) % ARMS
    radius = mx.random.uniform(0.1, 1.0, (POINTS,), key=keys[0])
    angle = 5 * radius + 0.1 * mx.random.normal((POINTS,), key=keys[1]) + arm * (2 * math.pi / ARMS)
    return mx.stack([radius * mx.cos(angle), radius * mx.sin(angle)], axis=1), arm


class Perceptron(nn.Module):
    def __init__(self, width=64):
        super().__init__()
        self.layers = [nn.Linear(2, width), nn.Linear(width, width), nn.Linear(width, ARMS)]

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = nn.relu(layer(x))
        return self.layers[-1](x)


def accuracy(model, x, y):
    return mx.mean(mx.argmax(model(x), axis=-1) == y).item()


def train(model, seed, steps, **options):
    x, y = spiral(2 * seed)
    loss = lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean")
    trainer = training.Trainer(model, optimizers.Adam(3e-3), loss, **options)
    trainer.run(training.Batches(x, y, size=100, seed=seed), steps)


def run(seed=0, steps=600, **options):
    """The share of new points that each model puts on the right arm."""
    x, y = spiral(2 * seed + 1)
    mx.random.seed(seed)
    model, straight = Perceptron(), nn.Linear(2, ARMS)
    train(model, seed, steps, **options)
    train(straight, seed, steps, show=False)
    return {"perceptron": accuracy(model, x, y), "logistic regression": accuracy(straight, x, y), "model": model}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    found = run(parser.parse_args().seed)
    for name in ("perceptron", "logistic regression"):
        print(f"{name}: {100 * found[name]:.1f} % of new points right")
