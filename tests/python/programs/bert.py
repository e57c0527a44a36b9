"""An encoder that fills in masked tokens, with padding masks, fine-tuned with some layers frozen, gradients accumulated."""

import json

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten, tree_map

MASK, PAD = 32, 33


class Embeddings(nn.Module):
    def __init__(self, dims):
        super().__init__()
        self.tokens, self.positions, self.types = nn.Embedding(34, dims), nn.Embedding(32, dims), nn.Embedding(2, dims)
        self.norm = nn.LayerNorm(dims)

    def __call__(self, ids):
        positions = mx.broadcast_to(mx.arange(ids.shape[1]), ids.shape)
        return self.norm(self.tokens(ids) + self.positions(positions) + self.types(mx.zeros_like(ids)))


class Layer(nn.Module):
    def __init__(self, dims, heads):
        super().__init__()
        self.attention = nn.MultiHeadAttention(dims, heads, bias=True)
        self.ln1, self.ln2 = nn.LayerNorm(dims), nn.LayerNorm(dims)
        self.linear1, self.linear2 = nn.Linear(dims, 4 * dims), nn.Linear(4 * dims, dims)

    def __call__(self, x, mask):
        x = self.ln1(x + self.attention(x, x, x, mask))
        return self.ln2(x + self.linear2(nn.gelu_approx(self.linear1(x))))


class Bert(nn.Module):
    def __init__(self, dims=32, heads=4, depth=2):
        super().__init__()
        self.embeddings = Embeddings(dims)
        self.layers = [Layer(dims, heads) for _ in range(depth)]

    def __call__(self, ids):
        mask = mx.where(ids == PAD, mx.array(-1e9), mx.array(0.0))[:, None, None, :]
        x = self.embeddings(ids)
        for layer in self.layers:
            x = layer(x, mask)
        return self.embeddings.tokens.as_linear(x)


def batch(seed):
    random = np.random.default_rng(seed)
    ids = generated.windows(TEXT, 8, 16, seed)[0].astype(np.int32)
    hidden = random.random(ids.shape) < 0.2
    hidden[:, 0] = True
    given = np.where(hidden, MASK, ids)
    given[::2, 12:] = PAD
    hidden[::2, 12:] = False
    return mx.array(given), mx.array(ids), mx.array(hidden)


def loss_of(model, given, ids, hidden):
    losses = nn.losses.cross_entropy(model(given), ids, weights=hidden.astype(mx.float32))
    return losses.sum() / hidden.sum()


TEXT = generated.text(2000)
mx.random.seed(10)
model = Bert()
model.embeddings.freeze(keys=["weight"], recurse=False)
model.layers[0].freeze()
model.layers[0].unfreeze(keys=["bias"], strict=False)
optimizer, step, losses = optim.Adafactor(learning_rate=1e-2, relative_step=False, scale_parameter=False), nn.value_and_grad(model, loss_of), []
for update in range(20):
    total = None
    for part in range(2):
        loss, gradients = step(model, *batch(2 * update + part))
        total = gradients if total is None else tree_map(mx.add, total, gradients)
        losses.append(loss.item())
    optimizer.update(model, tree_map(lambda value: value / 2, total))
    mx.eval(model.parameters(), optimizer.state)
print(json.dumps({"losses": losses, "trained": sorted(name for name, _ in tree_flatten(model.trainable_parameters()))}))
