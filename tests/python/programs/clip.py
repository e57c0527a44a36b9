"""Pictures and captions in one space, in the manner of CLIP: a vision transformer over patches and a text transformer whose last token speaks for the text, a learned
temperature, a loss in both directions; weights in bfloat16 beside float32 ones, layers frozen by name, and retrieval at the end."""

import json
import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_reduce, tree_unflatten

SIDE, PATCH, WIDTH, HEADS, COLORS, PLACES, FORMS = 16, 4, 48, 4, 3, 4, 3


def draw(random, count):
    """Pictures [count, SIDE, SIDE, 3] of a form of a color at a place, and their captions [count, 4], ended by token 1."""
    what = random.integers(0, [COLORS, PLACES, FORMS], (count, 3))
    pictures = random.normal(0, 0.2, (count, SIDE, SIDE, 3))
    for picture, (color, place, form) in zip(pictures, what):
        top, left = 8 * (place // 2) + 1, 8 * (place % 2) + 1
        block = picture[top : top + 6, left : left + 6, color]
        block += 2 * [np.ones((6, 6)), np.eye(6), np.tri(6)][form]
    captions = np.concatenate([2 + what + [0, COLORS, COLORS + PLACES], np.ones((count, 1), int)], axis=1)
    return mx.array(pictures.astype("f4")), mx.array(captions)


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.attention = nn.MultiHeadAttention(WIDTH, HEADS, bias=True)
        self.norm1, self.norm2 = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH, eps=1e-6)
        self.mlp = nn.Sequential(nn.Linear(WIDTH, 2 * WIDTH), nn.GELU(approx="fast"), nn.Linear(2 * WIDTH, WIDTH))

    def __call__(self, x, mask=None):
        y = self.norm1(x)
        x = x + self.attention(y, y, y, mask)
        return x + self.mlp(self.norm2(x))


class Vision(nn.Module):
    def __init__(self):
        super().__init__()
        self.patches = nn.Conv2d(3, WIDTH, kernel_size=PATCH, stride=PATCH, bias=False)
        self.first = mx.zeros((WIDTH,))
        self.places = nn.Embedding((SIDE // PATCH) ** 2 + 1, WIDTH)
        self.blocks, self.norm = [Block() for _ in range(2)], nn.LayerNorm(WIDTH)

    def __call__(self, pictures):
        x = mx.flatten(self.patches(pictures), start_axis=1, end_axis=2)
        x = mx.concatenate([mx.broadcast_to(self.first, (x.shape[0], 1, WIDTH)), x], axis=1)
        x = x + self.places.weight
        for block in self.blocks:
            x = block(x)
        return self.norm(x[:, 0])


class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.tokens, self.places = nn.Embedding(2 + COLORS + PLACES + FORMS, WIDTH), nn.Embedding(8, WIDTH)
        self.blocks, self.norm = [Block() for _ in range(2)], nn.LayerNorm(WIDTH)

    def __call__(self, captions):
        count, length = captions.shape
        x = self.tokens(captions) + self.places.weight[:length]
        mask = nn.MultiHeadAttention.create_additive_causal_mask(length, x.dtype)
        for block in self.blocks:
            x = block(x, mask)
        return self.norm(x)[mx.arange(count), (captions == 1).argmax(axis=-1)]


class Clip(nn.Module):
    def __init__(self):
        super().__init__()
        self.vision, self.text = Vision(), Text()
        self.to_pictures, self.to_texts = nn.Linear(WIDTH, 32, bias=False), nn.Linear(WIDTH, 32, bias=False)
        self.temperature = mx.array(math.log(1 / 0.07))

    def __call__(self, pictures, captions):
        x, y = self.to_pictures(self.vision(pictures)), self.to_texts(self.text(captions))
        x, y = x / mx.linalg.norm(x, axis=-1, keepdims=True), y / mx.linalg.norm(y, axis=-1, keepdims=True)
        return mx.exp(self.temperature) * x @ y.T


def loss_of(model, pictures, captions):
    scores = model(pictures, captions)
    which = mx.arange(len(scores))
    return (nn.losses.cross_entropy(scores, which, reduction="mean") + nn.losses.cross_entropy(scores.T, which, reduction="mean")) / 2


mx.random.seed(8)
model, random, losses = Clip(), np.random.default_rng(4), []
model.vision.places.freeze()
model.text.apply_to_modules(lambda path, module: module.freeze(keys="bias", recurse=False) if path.endswith("norm1") else None)
trained = len(tree_flatten(model.trainable_parameters()))
optimizer = optim.MultiOptimizer(
    [optim.AdamW(3e-4, weight_decay=0.05), optim.Adam(3e-4)], [lambda path, gradient: gradient.ndim > 1]
)
step = nn.value_and_grad(model, loss_of)
for number in range(60):
    loss, gradients = step(model, *draw(random, 24))
    optimizer.update(model, gradients)
    model.temperature = mx.clip(model.temperature, 0, math.log(100))
    mx.eval(model.parameters(), optimizer.state, loss)
    losses.append(loss.item())

everything = np.stack(np.meshgrid(*map(np.arange, (COLORS, PLACES, FORMS)), indexing="ij"), -1).reshape(-1, 3)
captions = mx.array(np.concatenate([2 + everything + [0, COLORS, COLORS + PLACES], np.ones((len(everything), 1), int)], axis=1))
pictures, told = draw(np.random.default_rng(5), 60)
scores = mx.stop_gradient(model.eval()(pictures, captions))
found = captions[mx.argmax(scores, axis=1)]
right = (found == told).all(axis=1).sum().item()
half = tree_unflatten([(path, x.astype(mx.bfloat16)) for path, x in tree_flatten(model.parameters())])
model.update(half)
agree = (mx.argmax(model(pictures.astype(mx.bfloat16), captions), axis=1) == mx.argmax(scores, axis=1)).mean().item()
size = tree_reduce(lambda count, x: count + x.size, model.parameters(), 0)
print(json.dumps({"losses": losses, "most right": right > 20, "as bfloat16": agree > 0.8, "trained": trained, "size": size}))
