"""Pictures beside words by a contrastive loss, and sounds through a codec of convolutions over time with codebooks chosen one after the other, weights
normalized by their lengths."""

import json

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np


class NormedConv(nn.Module):
    def __init__(self, inputs, outputs, size, stride=1, dilation=1, turned=False):
        super().__init__()
        made = (nn.ConvTranspose1d if turned else nn.Conv1d)(inputs, outputs, size)
        self.direction, self.bias = made.weight, made.bias
        self.length = mx.linalg.norm(made.weight, axis=(1, 2), keepdims=True)
        self._options = (stride, (size - 1) * dilation, dilation, turned)

    def __call__(self, x):
        stride, behind, dilation, turned = self._options
        weight = self.length * self.direction / mx.linalg.norm(self.direction, axis=(1, 2), keepdims=True)
        if turned:
            return mx.conv_transpose1d(x, weight, stride=stride)[:, : x.shape[1] * stride] + self.bias
        return mx.conv1d(mx.pad(x, ((0, 0), (behind, 0), (0, 0)), mode="edge"), weight, stride=stride, dilation=dilation) + self.bias


class Codec(nn.Module):
    def __init__(self, width=16, books=3):
        super().__init__()
        self.encoder = nn.Sequential(NormedConv(1, width, 5), nn.ELU(), NormedConv(width, width, 3, dilation=3), nn.ELU(), NormedConv(width, width, 4, stride=4))
        self.decoder = nn.Sequential(NormedConv(width, width, 4, stride=4, turned=True), nn.ELU(), NormedConv(width, 1, 5))
        self.between = nn.LSTM(width, width)
        self.books = mx.random.normal((books, 32, width)) * 0.3

    def quantize(self, x):
        rest, total, loss, codes = x, mx.zeros_like(x), 0, []
        for book in self.books:
            distance = (rest**2).sum(-1, keepdims=True) - 2 * rest @ book.T + (book**2).sum(-1)
            code = mx.stop_gradient(mx.argmin(distance, axis=-1))
            found = book[code]
            loss = loss + ((mx.stop_gradient(rest) - found) ** 2).mean() + 0.25 * ((rest - mx.stop_gradient(found)) ** 2).mean()
            rest, total = rest - mx.stop_gradient(found), total + found
            codes.append(code)
        return x + mx.stop_gradient(total - x), loss, mx.stack(codes)

    def __call__(self, x):
        y = self.encoder(x)
        y, loss, codes = self.quantize(y + self.between(y)[0])
        return self.decoder(y), loss, codes


class Pair(nn.Module):
    def __init__(self):
        super().__init__()
        self.picture = nn.Sequential(nn.Conv2d(1, 8, 3, stride=2), nn.GELU("precise"), lambda x: x.flatten(1), nn.Linear(72, 16, bias=False))
        self.words = nn.Embedding(12, 16)
        self.warmth = mx.array(1.0)

    def __call__(self, pictures, words):
        a, b = self.picture(pictures), self.words(words).max(axis=1)
        a, b = (x / mx.linalg.norm(x, axis=-1, keepdims=True) for x in (a, b))
        logits = mx.exp(self.warmth) * a @ b.T
        right = mx.arange(logits.shape[0])
        return (nn.losses.cross_entropy(logits, right).mean() + nn.losses.cross_entropy(logits, right, axis=0).mean()) / 2


def train(model, optimizer, loss_of, batches):
    step, losses = nn.value_and_grad(model, loss_of), []
    for batch in batches:
        loss, gradients = step(*map(mx.array, batch))
        optimizer.update(model, gradients)
        mx.eval(model, optimizer.state)
        losses.append(loss.item())
    return losses


random = np.random.default_rng(0)
time = np.arange(256)[None, :, None] / 256
sounds = [(np.sin(2 * np.pi * random.uniform(2, 20, (8, 1, 1)) * time + random.uniform(0, 6, (8, 1, 1))).astype("f4"),) for _ in range(12)]
words = [random.integers(0, 12, (16, 3)) for _ in range(16)]
pairs = [((row.mean(1)[:, None, None, None] / 6 - 1 + 0.1 * random.standard_normal((16, 8, 8, 1))).astype("f4"), row) for row in words]
mx.random.seed(6)
codec, pair = Codec(), Pair()


def codec_loss(x):
    y, loss, _ = codec(x)
    spectra = [mx.abs(mx.fft.rfft(z.squeeze(-1).reshape(-1, 4, 64))) for z in (x, y)]
    return mx.abs(x - y).mean() + 0.1 * mx.abs(spectra[0] - spectra[1]).mean() + loss


losses = {"codec": train(codec, optim.Adam(3e-3, betas=[0.5, 0.9]), codec_loss, sounds), "pairs": train(pair, optim.Lion(1e-3), pair, pairs)}
print(json.dumps(losses | {"codes": list(codec(mx.array(sounds[0][0]))[2].shape)}))
