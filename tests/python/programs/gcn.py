"""A graph convolutional network: node classes from features and neighbours; masked losses, weight decay, early stopping by validation."""

import json

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.nn.losses import cross_entropy


class GCNLayer(nn.Module):
    def __init__(self, inputs, outputs, bias=True):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias)

    def __call__(self, x, adjacency):
        return adjacency @ self.linear(x)


class GCN(nn.Module):
    def __init__(self, sizes, dropout):
        super().__init__()
        self.layers = [GCNLayer(i, o) for i, o in zip(sizes[:-1], sizes[1:])]
        self.dropout = nn.Dropout(p=dropout)

    def __call__(self, x, adjacency):
        for layer in self.layers[:-1]:
            x = self.dropout(nn.relu(layer(x, adjacency)))
        return self.layers[-1](x, adjacency)


mx.random.seed(5)
adjacency, x, y = map(mx.array, generated.graph(150, 4, 16))
train, validation = mx.arange(0, 90), mx.arange(90, 150)
model = GCN([16, 20, 4], 0.5)
optimizer = optim.Adam(learning_rate=1e-2)


def loss_of(model, rows, decay=5e-4):
    loss = mx.mean(cross_entropy(model(x, adjacency)[rows], y[rows], label_smoothing=0.05))
    return loss + decay * sum(mx.sum(value.weight**2) for value in (layer.linear for layer in model.layers)).sqrt()


losses, best, patience = [], float("inf"), 0
for epoch in range(60):
    model.train()
    loss, gradients = nn.value_and_grad(model, loss_of)(model, train)
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state)
    model.eval()
    current = loss_of(model, validation, 0).item()
    losses.append(loss.item())
    best, patience = (current, 0) if current < best else (best, patience + 1)
    if patience > 20:
        break
accuracy = mx.mean(mx.argmax(model(x, adjacency)[validation], axis=1) == y[validation]).item()
print(json.dumps({"losses": losses, "best": best, "accuracy": accuracy}))
