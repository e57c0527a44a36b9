"""A normalizing flow of affine couplings that learns two rings: log-determinants, sampling backwards."""

import json
import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


class Coupling(nn.Module):
    def __init__(self, hidden, swap):
        super().__init__()
        self.network = nn.Sequential(nn.Linear(1, hidden), nn.Tanh(), nn.Linear(hidden, 2))
        self._swap = swap

    def parts(self, x):
        kept, changed = mx.split(x, 2, axis=-1)
        return (changed, kept) if self._swap else (kept, changed)

    def joined(self, kept, changed):
        return mx.concatenate([changed, kept] if self._swap else [kept, changed], axis=-1)

    def forward(self, x):
        kept, changed = self.parts(x)
        scale, shift = mx.split(self.network(kept), 2, axis=-1)
        scale = mx.tanh(scale)
        return self.joined(kept, changed * mx.exp(scale) + shift), scale.sum(-1)

    def backward(self, z):
        kept, changed = self.parts(z)
        scale, shift = mx.split(self.network(kept), 2, axis=-1)
        return self.joined(kept, (changed - shift) * mx.exp(-mx.tanh(scale)))


class Flow(nn.Module):
    def __init__(self, depth=4, hidden=16):
        super().__init__()
        self.couplings = [Coupling(hidden, bool(index % 2)) for index in range(depth)]

    def log_probability(self, x):
        total = mx.zeros(x.shape[0])
        for coupling in self.couplings:
            x, log_determinant = coupling.forward(x)
            total = total + log_determinant
        return total - 0.5 * (x**2).sum(-1) - math.log(2 * math.pi)

    def sample(self, count):
        z = mx.random.normal((count, 2))
        for coupling in reversed(self.couplings):
            z = coupling.backward(z)
        return z


random = np.random.default_rng(0)
angles, radii = random.random(512) * 2 * np.pi, random.choice([0.5, 1.5], 512) + 0.05 * random.standard_normal(512)
points = mx.array(np.stack([radii * np.cos(angles), radii * np.sin(angles)], 1).astype(np.float32))
mx.random.seed(8)
model = Flow()
optimizer = optim.Adam(learning_rate=optim.step_decay(1e-2, 0.5, 50))
step = nn.value_and_grad(model, lambda model, x: -model.log_probability(x).mean())
losses = []
for index in range(60):
    rows = mx.random.randint(0, 512, (128,))
    loss, gradients = step(model, points[rows])
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state, loss)
    losses.append(loss.item())
back = model.couplings[0].backward(model.couplings[0].forward(points)[0])
print(json.dumps({"losses": losses, "there and back": mx.allclose(back, points, atol=1e-5).item(), "spread": model.sample(256).std().item()}))
