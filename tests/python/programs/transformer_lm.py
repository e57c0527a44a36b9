"""A transformer language model: encoder with a causal mask, sinusoidal positions, warm-up, checkpointed layers, perplexity."""

import json
import math

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten


class Model(nn.Module):
    def __init__(self, vocabulary, layers, dims, heads, checkpoint):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dims)
        self.positions = nn.SinusoidalPositionalEncoding(dims)
        self.transformer = nn.TransformerEncoder(layers, dims, heads, norm_first=True, checkpoint=checkpoint)
        self.out_proj = nn.Linear(dims, vocabulary)

    def __call__(self, x):
        length = x.shape[1]
        mask = nn.MultiHeadAttention.create_additive_causal_mask(length)
        x = self.embedding(x) + self.positions(mx.arange(length))
        return self.out_proj(self.transformer(x, mask))


def loss_of(model, x, y, reduce=True):
    losses = nn.losses.cross_entropy(model(x), y)
    return mx.mean(losses) if reduce else mx.mean(losses, axis=(-1, -2))


def train(checkpoint):
    mx.random.seed(2)
    tokens = generated.text(4000)
    model = Model(32, 2, 32, 4, checkpoint)
    count = sum(value.size for name, value in tree_flatten(model.trainable_parameters()) if "embedding" not in name)
    warm = optim.linear_schedule(0, 6e-3, 10)
    optimizer = optim.AdamW(optim.join_schedules([warm, optim.exponential_decay(6e-3, 0.99)], [10]), weight_decay=1e-5)
    step = nn.value_and_grad(model, loss_of)
    state, losses = [model.state, optimizer.state, mx.random.state], []

    def one(x, y):
        loss, gradients = step(model, x, y)
        optimizer.update(model, gradients)
        return loss

    one = mx.compile(one, inputs=state, outputs=state)
    for seed in range(40):
        losses.append(one(*map(mx.array, generated.windows(tokens, 8, 24, seed))).item())
        mx.eval(state)
    perplexity = math.exp(loss_of(model, *map(mx.array, generated.windows(tokens, 16, 24, 1000))).item())
    return {"losses": losses, "perplexity": perplexity, "parameters": count}


print(json.dumps({"plain": train(False), "checkpointed": train(True)}))
