"""An encoder and a decoder in the manner of T5: relative positions in buckets, RMS norms, gated units, shared embeddings, labels with gaps; it learns to turn
sequences around and writes some out with caches of keys."""

import json
import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np

WIDTH, HEADS, BUCKETS, VOCABULARY, LENGTH = 48, 4, 8, 20, 7


def bucket(distance, both_ways):
    count, extra = BUCKETS, mx.zeros(distance.shape, mx.int32)
    if both_ways:
        count //= 2
        extra = (distance > 0).astype(mx.int32) * count
        distance = mx.abs(distance)
    else:
        distance = -mx.minimum(distance, 0)
    near = distance < count // 2
    far = count // 2 + (mx.log(mx.maximum(distance, 1) / (count // 2)) / math.log(16 / (count // 2)) * (count - count // 2)).astype(mx.int16)
    return extra + mx.where(near, distance, mx.minimum(far, count - 1))


class Bias(nn.Module):
    def __init__(self, both_ways):
        super().__init__()
        self.table, self._both_ways = nn.Embedding(BUCKETS, HEADS), both_ways

    def __call__(self, queries, keys, offset=0):
        distance = mx.arange(keys)[None, :] - mx.arange(offset, offset + queries)[:, None]
        return self.table(bucket(distance, self._both_ways)).transpose(2, 0, 1)


class Attention(nn.Module):
    def __init__(self):
        super().__init__()
        self.q, self.k, self.v, self.o = (nn.Linear(WIDTH, WIDTH, bias=False) for _ in range(4))

    def __call__(self, x, source, mask, cache=None):
        q, k, v = (y.reshape(*y.shape[:2], HEADS, -1).swapaxes(1, 2) for y in (self.q(x), self.k(source), self.v(source)))
        if cache is not None:
            k, v = mx.concatenate([cache[0], k], axis=2), mx.concatenate([cache[1], v], axis=2)
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=1.0, mask=mask)
        return self.o(y.swapaxes(1, 2).flatten(2)), (k, v)


class Layer(nn.Module):
    def __init__(self, decodes):
        super().__init__()
        self.norms = [nn.RMSNorm(WIDTH) for _ in range(3 if decodes else 2)]
        self.own = Attention()
        if decodes:
            self.cross = Attention()
        self.gate, self.up, self.down = nn.Linear(WIDTH, 96, bias=False), nn.Linear(WIDTH, 96, bias=False), nn.Linear(96, WIDTH, bias=False)

    def __call__(self, x, bias, memory=None, cache=None):
        y = self.norms[0](x)
        y, cache = self.own(y, y, bias, cache)
        x = x + y
        if memory is not None:
            x = x + self.cross(self.norms[1](x), memory, None)[0]
        y = self.norms[-1](x)
        return x + self.down(nn.gelu_approx(self.gate(y)) * self.up(y)), cache


class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.embedding = nn.Embedding(VOCABULARY, WIDTH)
        self.encoder, self.decoder = [Layer(False) for _ in range(2)], [Layer(True) for _ in range(2)]
        self.encoder_bias, self.decoder_bias = Bias(True), Bias(False)
        self.norms = [nn.RMSNorm(WIDTH), nn.RMSNorm(WIDTH)]

    def encode(self, tokens):
        x, bias = self.embedding(tokens), self.encoder_bias(tokens.shape[1], tokens.shape[1])
        for layer in self.encoder:
            x, _ = layer(x, bias)
        return self.norms[0](x)

    def decode(self, tokens, memory, caches=None):
        behind = caches[0][0].shape[2] if caches else 0
        length = tokens.shape[1]
        x, bias = self.embedding(tokens), self.decoder_bias(length, behind + length, behind)
        if length > 1:
            bias = bias + nn.MultiHeadAttention.create_additive_causal_mask(length)
        caches = caches or [None] * len(self.decoder)
        for number, layer in enumerate(self.decoder):
            x, caches[number] = layer(x, bias, memory, caches[number])
        return self.embedding.as_linear(self.norms[1](x) * WIDTH**-0.5), caches


random = np.random.default_rng(0)
sources = random.integers(2, VOCABULARY, (256, LENGTH))
mx.random.seed(11)
model, optimizer = Model(), optim.Adafactor(learning_rate=5e-3, relative_step=False, scale_parameter=False)


def loss_of(source, wanted, weights):
    begun = mx.concatenate([mx.ones((wanted.shape[0], 1), wanted.dtype), wanted[:, :-1]], axis=1)
    logits, _ = model.decode(begun, model.encode(source))
    losses = nn.losses.cross_entropy(logits, wanted, weights=weights, label_smoothing=0.05)
    return losses.sum() / weights.sum()


step = nn.value_and_grad(model, loss_of)
losses = []
for number in range(24):
    rows = sources[number * 32 % 256 :][:32]
    weights = mx.array((random.random((32, LENGTH)) < 0.9).astype("f4"))
    loss, gradients = step(mx.array(rows), mx.array(rows[:, ::-1].copy()), weights)
    optimizer.update(model, gradients)
    mx.eval(model, optimizer.state)
    losses.append(loss.item())
memory, token, caches, scores = model.encode(mx.array(sources[:4])), mx.ones((4, 1), mx.int32), None, []
for _ in range(LENGTH):
    logits, caches = model.decode(token, memory, caches)
    token = mx.argmax(logits[:, -1:], axis=-1)
    scores.append(mx.logsumexp(logits).item())
print(json.dumps({"losses": losses, "scores": scores}))
