"""Sounds told apart by their spectra: framing by strides, a real Fourier transform, mixed convolutions, patches."""

import json

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


def sounds(count, length=400, seed=0):
    random = np.random.default_rng(seed)
    labels = random.integers(0, 5, count)
    time = np.arange(length)
    tone = np.sin(time * (0.2 + 0.25 * labels[:, None]) + random.random((count, 1)) * 6)
    return (tone + 0.5 * random.standard_normal((count, length))).astype(np.float32), labels.astype(np.uint32)


def spectra(x, window=64, hop=16):
    frames = (x.shape[1] - window) // hop + 1
    framed = mx.as_strided(x, (x.shape[0], frames, window), (x.shape[1], hop, 1))
    shape = 0.5 - 0.5 * mx.cos(2 * mx.array(np.pi) * mx.arange(window) / window)
    return mx.log(mx.square(mx.abs(mx.fft.rfft(framed * shape))) + 1e-3)


class Mixer(nn.Module):
    def __init__(self, dims=16, depth=2, classes=5):
        super().__init__()
        self.stem = nn.Conv2d(1, dims, 4, stride=4)
        self.mixers = [nn.Sequential(nn.Conv2d(dims, dims, 3, padding=1, groups=dims), nn.GELU(), nn.GroupNorm(4, dims),
                                     nn.Conv2d(dims, dims, 1), nn.GELU(), nn.InstanceNorm(dims)) for _ in range(depth)]  # fmt: skip
        self.head = nn.Linear(dims, classes)

    def __call__(self, x):
        x = nn.gelu(self.stem(x[..., None]))
        for mixer in self.mixers:
            x = x + mixer(x)
        return self.head(x.mean((1, 2)))


mx.random.seed(9)
x, y = map(mx.array, sounds(160))
x = spectra(x)
model = Mixer()
optimizer = optim.Lion(3e-3, weight_decay=0.01)
step, losses = nn.value_and_grad(model, lambda model, x, y: nn.losses.cross_entropy(model(x), y, reduction="mean")), []
for start in list(range(0, 128, 32)) * 12:
    loss, gradients = step(model, x[start : start + 32], y[start : start + 32])
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state)
    losses.append(loss.item())
print(json.dumps({"losses": losses, "accuracy": mx.mean(mx.argmax(model(x[128:]), -1) == y[128:]).item()}))
