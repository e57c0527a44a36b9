"""Sounds to words in the manner of Whisper: frames by strides, a mel filter bank, strided convolutions, an encoder, a
decoder with caches for its own and the encoder's keys and values; words are written greedily, by a beam, and in half
precision."""

import json
import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_map, tree_unflatten, tree_flatten

RATE, FRAME, HOP, MELS, DIMS, WORDS = 1600, 64, 32, 16, 32, 12
START, END = 10, 11


def mel_filters():
    edges = np.linspace(0, FRAME // 2, MELS + 2)
    bins = np.arange(FRAME // 2 + 1)[None]
    widths = np.diff(edges)[:, None]
    up, down = (bins - edges[:-2, None]) / widths[:-1], (edges[2:, None] - bins) / widths[1:]
    return mx.array(np.maximum(0, np.minimum(up, down)).astype("f4"))


def log_mel(sound):
    window = mx.array(np.hanning(FRAME + 1)[:-1].astype("f4"))
    padding = FRAME // 2
    sound = mx.concatenate([sound[1 : padding + 1][::-1], sound, sound[-padding - 1 : -1][::-1]])
    frames = mx.as_strided(sound, ((sound.size - FRAME) // HOP + 1, FRAME), (HOP, 1))
    power = mx.abs(mx.fft.rfft(frames * window))[:-1].square()
    spectrum = mx.maximum(power @ mel_filters().T, 1e-10).log10()
    return (mx.maximum(spectrum, spectrum.max() - 8.0) + 4.0) / 4.0


def sinusoids(length, channels):
    step = math.log(10000) / (channels // 2 - 1)
    scaled = mx.arange(length)[:, None] * mx.exp(-step * mx.arange(channels // 2))[None]
    return mx.concatenate([mx.sin(scaled), mx.cos(scaled)], axis=1)


class Attention(nn.Module):
    def __init__(self, heads=2):
        super().__init__()
        self.n_head = heads
        self.query, self.key = nn.Linear(DIMS, DIMS), nn.Linear(DIMS, DIMS, bias=False)
        self.value, self.out = nn.Linear(DIMS, DIMS), nn.Linear(DIMS, DIMS)

    def __call__(self, x, xa=None, mask=None, kv_cache=None):
        q = self.query(x)
        if xa is None:
            k, v = self.key(x), self.value(x)
            if kv_cache is not None:
                k, v = mx.concatenate([kv_cache[0], k], axis=1), mx.concatenate([kv_cache[1], v], axis=1)
        elif kv_cache is None:
            k, v = self.key(xa), self.value(xa)
        else:
            k, v = kv_cache
        scale = (DIMS // self.n_head) ** -0.25
        split = lambda t: t.reshape(*t.shape[:2], self.n_head, -1)
        qk = (split(q).transpose(0, 2, 1, 3) * scale) @ (split(k).transpose(0, 2, 3, 1) * scale)
        if mask is not None:
            qk = qk + mask[-q.shape[1] :, : k.shape[1]]
        w = mx.softmax(qk, axis=-1, precise=True)
        out = (w @ split(v).transpose(0, 2, 1, 3)).transpose(0, 2, 1, 3).reshape(q.shape)
        return self.out(out), (k, v), qk.astype(mx.float32)


class Block(nn.Module):
    def __init__(self, cross=False):
        super().__init__()
        self.attn, self.attn_ln = Attention(), nn.LayerNorm(DIMS)
        self.cross_attn = Attention() if cross else None
        self.cross_attn_ln = nn.LayerNorm(DIMS) if cross else None
        self.mlp1, self.mlp2, self.mlp_ln = nn.Linear(DIMS, 4 * DIMS), nn.Linear(4 * DIMS, DIMS), nn.LayerNorm(DIMS)

    def __call__(self, x, xa=None, mask=None, kv_cache=None):
        kv, cross_kv = kv_cache if kv_cache else (None, None)
        y, kv, _ = self.attn(self.attn_ln(x), mask=mask, kv_cache=kv)
        x, cross_qk = x + y, None
        if self.cross_attn:
            y, cross_kv, cross_qk = self.cross_attn(self.cross_attn_ln(x), xa, kv_cache=cross_kv)
            x = x + y
        return x + self.mlp2(nn.gelu(self.mlp1(self.mlp_ln(x)))), (kv, cross_kv), cross_qk


class Listener(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv1d(MELS, DIMS, kernel_size=3, padding=1)
        self.conv2 = nn.Conv1d(DIMS, DIMS, kernel_size=3, stride=2, padding=1)
        self._positional_embedding = sinusoids(25, DIMS)
        self.encoder = [Block() for _ in range(2)]
        self.ln_post = nn.LayerNorm(DIMS)
        self.token_embedding = nn.Embedding(WORDS, DIMS)
        self.positional_embedding = mx.zeros((8, DIMS))
        self.decoder = [Block(cross=True) for _ in range(2)]
        self.ln = nn.LayerNorm(DIMS)
        self._mask = nn.MultiHeadAttention.create_additive_causal_mask(8)

    def embed(self, mel):
        x = nn.gelu(self.conv2(nn.gelu(self.conv1(mel)))) + self._positional_embedding
        for block in self.encoder:
            x, _, _ = block(x)
        return self.ln_post(x)

    def logits(self, x, xa, kv_cache=None):
        offset = kv_cache[0][0][0].shape[1] if kv_cache else 0
        x = self.token_embedding(x) + self.positional_embedding[offset : offset + x.shape[-1]]
        kv_cache = kv_cache or [None] * len(self.decoder)
        cross = []
        for e, block in enumerate(self.decoder):
            x, kv_cache[e], qk = block(x, xa, mask=self._mask, kv_cache=kv_cache[e])
            cross.append(qk)
        return self.token_embedding.as_linear(self.ln(x)), kv_cache, cross

    def __call__(self, mel, tokens):
        return self.logits(tokens, self.embed(mel))[0]


def sample(count, seed):
    """Five tones of ten, one after the other, in noise."""
    random = np.random.default_rng(seed)
    words = random.integers(0, 10, (count, 5))
    time = np.arange(RATE // 5) / RATE
    tones = np.sin(2 * np.pi * (80 + 65 * words[..., None]) * time) + 0.3 * random.normal(size=(count, 5, RATE // 5))
    mel = mx.stack([log_mel(mx.array(row.ravel().astype("f4"))) for row in tones])
    tokens = np.concatenate([np.full((count, 1), START), words, np.full((count, 1), END)], 1).astype("i4")
    return mel, mx.array(tokens)


def loss_of(mel, tokens):
    return nn.losses.cross_entropy(model(mel, tokens[:, :-1]), tokens[:, 1:], label_smoothing=0.05, reduction="mean")


def greedy(model, mel):
    features, tokens, cache = model.embed(mel), mx.full((mel.shape[0], 1), START, mx.int32), None
    written = [tokens]
    while len(written) < 7:
        logits, cache, cross = model.logits(written[-1], features, cache)
        written.append(mx.argmax(logits[:, -1], axis=-1, keepdims=True).astype(mx.int32))
        mx.async_eval(written[-1])
    return mx.concatenate(written, axis=1), mx.softmax(cross[-1], axis=-1).mean((0, 1))


def beam(model, mel, width=3):
    """Of one sound; the caches are rearranged by what stays."""
    features = mx.repeat(model.embed(mel[None]), width, axis=0)
    tokens, cache, scores = mx.full((width, 1), START, mx.int32), None, mx.array([0.0] + [-mx.inf] * (width - 1))
    for _ in range(6):
        logits, cache, _ = model.logits(tokens[:, -1:] if cache else tokens, features, cache)
        logits = logits[:, -1].astype(mx.float32)
        totals = scores[:, None] + logits - mx.logsumexp(logits, axis=-1, keepdims=True)
        best = mx.argpartition(-totals.reshape(-1), kth=width)[:width]
        best = best[mx.argsort(-totals.reshape(-1)[best])]
        source, word = best // WORDS, best % WORDS
        scores = totals.reshape(-1)[best]
        tokens = mx.concatenate([tokens[source], word[:, None].astype(mx.int32)], axis=1)
        cache = tree_map(lambda x: x[source], cache)
    return tokens[0], scores[0].item()


mx.random.seed(5)
model = Listener()
optimizer = optim.AdamW(3e-3, betas=[0.9, 0.98], eps=1e-6)
state = [model.state, optimizer.state]
value_and_grad = nn.value_and_grad(model, loss_of)
losses = []
for n in range(30):
    loss, gradients = value_and_grad(*sample(16, n))
    optimizer.update(model, gradients)
    mx.eval(state)
    losses.append(loss.item())
mel, tokens = sample(2, 99)
written, attended = greedy(model, mel)
best, score = beam(model, mel[0])
half = Listener()
half.update(tree_unflatten([(name, value.astype(mx.float16)) for name, value in tree_flatten(model.parameters())]))
again = greedy(half, mel.astype(mx.float16))[0]
shapes = [list(tokens.shape) for tokens in (written, again, best)]
print(json.dumps({"losses": losses, "attended": attended.sum().item(), "score": score, "shapes": shapes}))
