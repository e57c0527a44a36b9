"""A perceptron on pictures, its step compiled with the state of model and optimizer, accuracy by a compiled evaluation."""

import json
from functools import partial

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class MLP(nn.Module):
    def __init__(self, layers, inputs, hidden, outputs):
        super().__init__()
        sizes = [inputs] + [hidden] * layers + [outputs]
        self.layers = [nn.Linear(i, o) for i, o in zip(sizes[:-1], sizes[1:])]

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = nn.relu(layer(x))
        return self.layers[-1](x)


def loss_of(model, x, y):
    return nn.losses.cross_entropy(model(x), y, reduction="mean")


mx.random.seed(0)
images, labels = map(mx.array, generated.pictures(600, 10))
images = mx.flatten(images, 1)
model = MLP(2, images.shape[-1], 32, 10)
mx.eval(model.parameters())
optimizer = optim.SGD(learning_rate=0.3, momentum=0.5)
loss_and_gradient = nn.value_and_grad(model, loss_of)
state = [model.state, optimizer.state]


@partial(mx.compile, inputs=state, outputs=state)
def step(x, y):
    loss, gradients = loss_and_gradient(model, x, y)
    optimizer.update(model, gradients)
    return loss


@partial(mx.compile, inputs=model.state)
def accuracy(x, y):
    return mx.mean(mx.argmax(model(x), axis=1) == y)


losses = []
for epoch in range(12):
    for rows in mx.random.permutation(500).reshape(10, 50):
        losses.append(step(images[rows], labels[rows]).item())
    mx.eval(state)
print(json.dumps({"losses": losses, "accuracy": accuracy(images[500:], labels[500:]).item()}))
