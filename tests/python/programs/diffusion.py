"""A small diffusion model: a U-shaped network of convolutions with group norms, embedded times, attention over pixels, down- and upsampling with joined
halves; an exponential average of weights; samples drawn step by step backwards."""

import json
import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_map


class Block(nn.Module):
    def __init__(self, inputs, outputs, times):
        super().__init__()
        self.norm1, self.conv1 = nn.GroupNorm(4, inputs, pytorch_compatible=True), nn.Conv2d(inputs, outputs, 3, padding=1)
        self.time = nn.Linear(times, outputs)
        self.norm2, self.conv2 = nn.GroupNorm(4, outputs, pytorch_compatible=True), nn.Conv2d(outputs, outputs, 3, padding=1)
        if inputs != outputs:
            self.shortcut = nn.Linear(inputs, outputs)

    def __call__(self, x, times):
        y = self.conv1(nn.silu(self.norm1(x)))
        y = self.conv2(nn.silu(self.norm2(y + self.time(nn.silu(times))[:, None, None, :])))
        return y + (self.shortcut(x) if "shortcut" in self else x)


class Attention(nn.Module):
    def __init__(self, dim, heads):
        super().__init__()
        self.norm, self.attention = nn.GroupNorm(4, dim, pytorch_compatible=True), nn.MultiHeadAttention(dim, heads)

    def __call__(self, x):
        flat = self.norm(x).flatten(1, 2)
        return x + self.attention(flat, flat, flat).reshape(x.shape)


class Network(nn.Module):
    def __init__(self, width=16):
        super().__init__()
        self.times = nn.SinusoidalPositionalEncoding(width, max_freq=1, min_freq=0.0001, scale=1, cos_first=True, full_turns=False)
        self.into = nn.Conv2d(1, width, 3, padding=1)
        self.down = [Block(width, width, width), Block(width, 2 * width, width)]
        self.smaller = nn.Conv2d(width, width, 3, stride=2, padding=1)
        self.middle = Attention(2 * width, 4)
        self.larger = nn.Upsample(2, mode="nearest")
        self.up = [Block(2 * width, width, width), Block(2 * width, width, width)]
        self.out = nn.Conv2d(width, 1, 3, padding=1)

    def __call__(self, x, t):
        times = self.times(t)
        first = self.down[0](self.into(x), times)
        y = self.middle(self.down[1](self.smaller(first), times))
        y = self.larger(self.up[0](y, times))
        return self.out(self.up[1](mx.concatenate([y, first], axis=-1), times))


STEPS = 50
kept = mx.cumprod(1 - mx.linspace(1e-4, 0.2, STEPS))
random = np.random.default_rng(0)
rows, columns = np.mgrid[:8, :8]
pictures = np.stack([np.hypot(rows - a, columns - b) < 3 for a, b in random.uniform(2, 6, (64, 2))]).astype("f4")[..., None] * 2 - 1
mx.random.seed(2)
model = Network()
average = tree_map(lambda p: p, model.parameters())
optimizer = optim.AdamW(optim.join_schedules([optim.linear_schedule(0, 4e-3, 5), optim.cosine_decay(4e-3, 20)], [5]), weight_decay=1e-3)


def loss_of(x, t, noise):
    share = mx.sqrt(kept[t])[:, None, None, None]
    return nn.losses.smooth_l1_loss(model(share * x + mx.sqrt(1 - share**2) * noise, t), noise, reduction="mean")


step = nn.value_and_grad(model, loss_of)
losses, norms = [], []
for number in range(16):
    x = mx.array(pictures[number * 16 % 64 :][:16])
    t, noise = mx.array(random.integers(0, STEPS, 16)), mx.array(random.standard_normal(x.shape).astype("f4"))
    loss, gradients = step(x, t, noise)
    gradients, norm = optim.clip_grad_norm(gradients, 1.0)
    optimizer.update(model, gradients)
    average = tree_map(lambda a, p: 0.9 * a + 0.1 * p, average, model.parameters())
    mx.eval(model, optimizer.state, average)
    losses.append(loss.item())
    norms.append(norm.item())
model.update(average)
x = mx.array(random.standard_normal((2, 8, 8, 1)).astype("f4"))
for number in reversed(range(0, STEPS, 10)):
    share, before = kept[number], kept[number - 10] if number >= 10 else mx.array(1.0)
    noise = model(x, mx.full((2,), number))
    clean = mx.clip((x - mx.sqrt(1 - share) * noise) / mx.sqrt(share), -1, 1)
    x = mx.sqrt(before) * clean + mx.sqrt(1 - before) * noise
print(json.dumps({"losses": losses, "norms": norms, "drawn": [float(math.fabs(x.mean().item())), x.std().item()]}))
