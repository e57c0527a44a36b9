"""Learns which points of a square lie on a ring and exports what was learned, for examples/run_exported.c:

    python examples/export_ring.py ring.tarn && build/examples/example_run_exported ring.tarn"""

import sys

import tarn.core as mx
import tarn.nn as nn
import tarn.optimizers as optim


def on_ring(points):
    radius = mx.sqrt((points * points).sum(axis=1, keepdims=True))
    return (radius > 0.4) & (radius < 0.8)


def learn(steps):
    model = nn.Sequential(nn.Linear(2, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 1))
    optimizer = optim.Adam(learning_rate=0.02)

    def loss(points):
        return nn.losses.binary_cross_entropy(model(points), on_ring(points).astype(mx.float32))

    loss_and_gradients = nn.value_and_grad(model, loss)
    for _ in range(steps):
        _, gradients = loss_and_gradients(mx.random.uniform(-1, 1, (256, 2)))
        optimizer.update(model, gradients)
        mx.eval(model.parameters(), optimizer.state)
    return model


def main(path, steps=400):
    mx.random.seed(7)
    model = learn(steps)
    mx.export_function(path, lambda points: mx.sigmoid(model(points)), mx.zeros((5, 2)), shapeless=True,
                       metadata="points on a ring")


if __name__ == "__main__":
    main(*sys.argv[1:])
