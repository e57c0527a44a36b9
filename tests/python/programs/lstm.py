"""Recurrent language models: embedding, two recurrent layers, the carried state stopped between windows."""

import json

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Recurrent(nn.Module):
    def __init__(self, cell, vocabulary, dims):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dims)
        self.first, self.second = cell(dims, dims), cell(dims, dims)
        self.head = nn.Linear(dims, vocabulary)

    def __call__(self, x):
        x = self.embedding(x)
        for layer in (self.first, self.second):
            x = layer(x)
            x = x[0] if isinstance(x, tuple) else x
        return self.head(x)


def loss_of(model, x, y):
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


def train(cell, optimizer):
    mx.random.seed(6)
    tokens, model, losses = generated.text(2000), Recurrent(cell, 32, 24), []
    step = nn.value_and_grad(model, loss_of)
    for seed in range(30):
        loss, gradients = step(model, *map(mx.array, generated.windows(tokens, 8, 12, seed)))
        optimizer.update(model, gradients)
        mx.eval(model, optimizer.state)
        losses.append(loss.item())
    return losses


print(json.dumps({"lstm": train(nn.LSTM, optim.RMSprop(1e-2)), "gru": train(nn.GRU, optim.Adam(1e-2)),
                  "rnn": train(nn.RNN, optim.Adagrad(1e-1))}))  # fmt: skip
