"""Speculative decoding: a small and a larger language model learn the same sentences, then the small one proposes tokens that the larger one accepts or corrects,
both with caches that go back to what was accepted. The text is the one that the larger model writes by itself."""

import json

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_map

TEXT = "the old fox saw a red box in the barn. " * 3 + "a tiny fox sat by the old red barn. " * 3 + "the red box was in a tiny box. " * 3
LETTERS = sorted(set(TEXT))
IDS = np.array([LETTERS.index(letter) for letter in TEXT])
CONTEXT = 32


class Cache:
    """Keys and values in blocks; `offset` of them count."""

    def __init__(self, block=16):
        self.keys = self.values = None
        self.offset, self.block = 0, block

    def update(self, keys, values):
        end = self.offset + keys.shape[2]
        if self.keys is None or end > self.keys.shape[2]:
            more = -(-keys.shape[2] // self.block) * self.block
            room = [mx.zeros((*x.shape[:2], more, x.shape[3]), x.dtype) for x in (keys, values)]
            if self.keys is not None:
                room = [mx.concatenate([x[:, :, : self.offset], y], axis=2) for x, y in zip((self.keys, self.values), room)]
            self.keys, self.values = room
        self.keys[:, :, self.offset : end] = keys
        self.values[:, :, self.offset : end] = values
        self.offset = end
        return self.keys[:, :, :end], self.values[:, :, :end]


class Layer(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads, self.scale = heads, (width // heads) ** -0.5
        self.joined, self.out = nn.Linear(width, 3 * width, bias=False), nn.Linear(width, width, bias=False)
        self.rope, self.norms = nn.RoPE(width // heads, traditional=True), [nn.RMSNorm(width), nn.RMSNorm(width)]
        self.up, self.down = nn.Linear(width, 2 * width), nn.Linear(2 * width, width)

    def __call__(self, x, mask, cache=None):
        q, k, v = (y.reshape(*x.shape[:2], self.heads, -1).swapaxes(1, 2) for y in mx.split(self.joined(self.norms[0](x)), 3, axis=-1))
        behind = cache.offset if cache else 0
        q, k = self.rope(q, offset=behind), self.rope(k, offset=behind)
        if cache:
            k, v = cache.update(k, v)
        y = mx.fast.scaled_dot_product_attention(q, k, v, scale=self.scale, mask=mask)
        x = x + self.out(y.swapaxes(1, 2).reshape(x.shape))
        return x + self.down(nn.silu(self.up(self.norms[1](x))))


class Model(nn.Module):
    def __init__(self, width, heads, layers):
        super().__init__()
        self.embedding, self.norm = nn.Embedding(len(LETTERS), width), nn.RMSNorm(width)
        self.layers = [Layer(width, heads) for _ in range(layers)]

    def __call__(self, ids, caches=None):
        x = self.embedding(ids)
        length, behind = ids.shape[1], caches[0].offset if caches else 0
        rows, columns = mx.arange(behind, behind + length)[:, None], mx.arange(behind + length)[None]
        mask = mx.where(rows >= columns, 0.0, -mx.inf).astype(x.dtype)
        for layer, cache in zip(self.layers, caches or [None] * len(self.layers)):
            x = layer(x, mask, cache)
        return self.embedding.as_linear(self.norm(x))

    def caches(self):
        return [Cache() for _ in self.layers]


def train(model, steps, seed):
    random = np.random.default_rng(seed)
    optimizer = optim.AdamW(optim.join_schedules([optim.linear_schedule(1e-4, 4e-3, 8), optim.cosine_decay(4e-3, steps)], [8]), betas=[0.9, 0.95])
    state = [model.state, optimizer.state]

    def loss_of(ids):
        return nn.losses.cross_entropy(model(ids[:, :-1]), ids[:, 1:], reduction="mean")

    def step(ids):
        loss, gradients = nn.value_and_grad(model, loss_of)(ids)
        gradients, norm = optim.clip_grad_norm(gradients, 1.0)
        optimizer.update(model, gradients)
        return loss, norm

    step, losses = mx.compile(step, inputs=state, outputs=state), []
    for _ in range(steps):
        starts = random.integers(0, len(IDS) - CONTEXT - 1, 8)
        loss, norm = step(mx.array(np.stack([IDS[start : start + CONTEXT + 1] for start in starts])))
        mx.eval(state, loss, norm)
        losses.append(loss.item())
    return losses


def likeliest(logits):
    return mx.argmax(logits, axis=-1)


def plain(model, ids, count):
    caches, token, made = model.caches(), mx.array([ids]), []
    for _ in range(count):
        token = likeliest(model(token, caches)[:, -1:])
        mx.async_eval(token)
        made.append(token.item())
    return made


def speculative(target, draft, ids, count, ahead=4):
    """The tokens, and how many of them the draft had proposed."""
    held, proposing = target.caches(), draft.caches()
    target(mx.array([ids[:-1]]), held)
    made, accepted, seen = [], 0, list(ids)
    while len(made) < count:
        token, proposed = mx.array([seen[proposing[0].offset :]]), []
        for _ in range(ahead):
            token = likeliest(draft(token, proposing)[:, -1:])
            proposed.append(token)
        proposed = mx.concatenate(proposed, axis=1)
        checked = likeliest(target(mx.concatenate([mx.array([[seen[-1]]]), proposed], axis=1), held))
        same = (checked[:, :-1] == proposed).astype(mx.int32)
        taken = int(mx.cumprod(same, axis=1).sum())
        new = checked[0, : taken + 1].tolist()
        accepted += taken
        made += new
        seen += new
        for cache in held:
            cache.offset = len(seen) - 1
        for cache in proposing:
            cache.offset = min(cache.offset, len(seen) - 1)
    return made[:count], accepted


mx.random.seed(3)
target, draft = Model(48, 4, 2), Model(32, 2, 1)
losses = {"target": train(target, 80, 1), "draft": train(draft, 80, 2)}
begin = [LETTERS.index(letter) for letter in "the old"]
target.update(tree_map(lambda x: x.astype(mx.float32), target.parameters()))
alone = plain(target, begin, 60)
made, accepted = speculative(target, draft, begin, 60)
print(json.dumps({**losses, "same text": made == alone, "helped": accepted > 20, "text": "".join(LETTERS[i] for i in alone)}))
