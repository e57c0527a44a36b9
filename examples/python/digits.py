"""Reads digits of 5 x 7 dots, drawn somewhere in a noisy picture, with a convolutional network, beside a perceptron."""

import argparse

import tarn.core as mx
from tarn import nn, optimizers, training

SIDE, TRAIN, TEST = 16, 6000, 1000

DOTS = """01110100011000110001100011000101110 00100011000010000100001000010001110 01110100010000100010001000100011111
11111000100010000010000011000101110 00010001100101010010111110001000010 11111100001111000001000011000101110
00110010001000011110100011000101110 11111000010001000100010000100001000 01110100011000101110100011000101110
01110100011000101111000010001001100""".split()


def draw(seed, count):
    """Pictures [count, SIDE, SIDE, 1], and the digit in each."""
    keys = mx.random.split(mx.random.key(seed), 4)
    shapes = mx.array([[int(dot) for dot in digit] for digit in DOTS], mx.float32).reshape(10, 7, 5)
    shapes = mx.pad(shapes, [(0, 0), (0, SIDE - 7), (0, SIDE - 5)])
    digit = mx.random.randint(0, 10, (count,), key=keys[0])
    down = mx.random.randint(0, SIDE - 6, (count, 1, 1), key=keys[1])
    right = mx.random.randint(0, SIDE - 4, (count, 1, 1), key=keys[2])
    place = mx.arange(SIDE)
    clean = shapes[digit[:, None, None], (place[:, None] - down) % SIDE, (place - right) % SIDE]
    return mx.expand_dims(clean + 0.2 * mx.random.normal(clean.shape, key=keys[3]), -1), digit


class Convolutional(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second = nn.Conv2d(1, 16, 5, padding=2), nn.Conv2d(16, 32, 5, padding=2)
        self.pool = nn.MaxPool2d(2)
        self.last = nn.Linear(32, 10)

    def __call__(self, x):
        x = self.pool(nn.relu(self.first(x)))
        x = nn.relu(self.second(x))
        return self.last(mx.max(x, axis=(1, 2)))  # wherever in the picture something was seen


class Perceptron(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.last = nn.Linear(SIDE * SIDE, 64), nn.Linear(64, 10)

    def __call__(self, x):
        return self.last(nn.relu(self.first(x.flatten(1))))


def accuracy(model, x, y):
    return mx.mean(mx.argmax(model(x), axis=-1) == y).item()


def train(model, pictures, seed, steps, **options):
    loss = lambda x, y: nn.losses.cross_entropy(model(x), y, reduction="mean")
    rate = optimizers.cosine_decay(3e-3, steps)
    trainer = training.Trainer(model, optimizers.AdamW(rate), loss, **options)
    trainer.run(training.Batches(*pictures, size=64, seed=seed), steps)


def run(seed=0, steps=400, **options):
    """The share of new pictures that each network reads."""
    pictures, (x, y) = draw(2 * seed, TRAIN), draw(2 * seed + 1, TEST)
    mx.eval(pictures, x, y)
    mx.random.seed(seed)
    model, plain = Convolutional(), Perceptron()
    train(model, pictures, seed, steps, **options)
    train(plain, pictures, seed, steps, show=False)
    return {"convolutional": accuracy(model, x, y), "perceptron": accuracy(plain, x, y), "model": model}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    found = run(parser.parse_args().seed)
    for name in ("convolutional", "perceptron"):
        print(f"{name}: {100 * found[name]:.1f} % of new pictures read")
