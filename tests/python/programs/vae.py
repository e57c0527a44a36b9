"""A convolutional variational autoencoder: upsampling decoder, random draws inside of the compiled step, samples."""

import json
import math
from functools import partial

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Encoder(nn.Module):
    def __init__(self, latent, filters=8):
        super().__init__()
        self.conv1 = nn.Conv2d(1, filters, 3, stride=2, padding=1)
        self.conv2 = nn.Conv2d(filters, 2 * filters, 3, stride=2, padding=1)
        self.bn1, self.bn2 = nn.BatchNorm(filters), nn.BatchNorm(2 * filters)
        self.proj_mu, self.proj_log_var = nn.Linear(9 * 2 * filters, latent), nn.Linear(9 * 2 * filters, latent)

    def __call__(self, x):
        x = nn.leaky_relu(self.bn1(self.conv1(x)))
        x = mx.flatten(nn.leaky_relu(self.bn2(self.conv2(x))), 1)
        mu, logvar = self.proj_mu(x), self.proj_log_var(x)
        sigma = mx.exp(logvar * 0.5)
        return mx.random.normal(sigma.shape) * sigma + mu, mu, logvar


class Decoder(nn.Module):
    def __init__(self, latent, filters=8):
        super().__init__()
        self.filters = filters
        self.lin1 = nn.Linear(latent, 9 * 2 * filters)
        self.up = nn.Upsample(2, mode="nearest")
        self.conv1 = nn.Conv2d(2 * filters, filters, 3, padding=1)
        self.conv2 = nn.Conv2d(filters, 1, 3, padding=1)
        self.bn1 = nn.BatchNorm(filters)

    def __call__(self, z):
        x = self.lin1(z).reshape(-1, 3, 3, 2 * self.filters)
        x = nn.leaky_relu(self.bn1(self.conv1(self.up(x))))
        return mx.sigmoid(self.conv2(self.up(x)))


class VAE(nn.Module):
    def __init__(self, latent):
        super().__init__()
        self.latent, self.encoder, self.decoder = latent, Encoder(latent), Decoder(latent)

    def __call__(self, x):
        z, mu, logvar = self.encoder(x)
        return self.decoder(z), mu, logvar


def loss_of(model, x):
    drawn, mu, logvar = model(x)
    reconstruction = nn.losses.mse_loss(drawn, x, reduction="sum")
    return (reconstruction - 0.5 * mx.sum(1 + logvar - mu.square() - logvar.exp())) / x.shape[0]


mx.random.seed(4)
images = mx.array(generated.pictures(128, 6)[0])
model = VAE(8)
mx.eval(model.parameters())
optimizer = optim.AdamW(learning_rate=3e-3)
loss_and_gradient = nn.value_and_grad(model, loss_of)
state = [model.state, optimizer.state, mx.random.state]


@partial(mx.compile, inputs=state, outputs=state)
def step(x):
    loss, gradients = loss_and_gradient(model, x)
    optimizer.update(model, gradients)
    return loss


losses = []
for start in list(range(0, 128, 32)) * 5:
    losses.append(step(images[start : start + 32]).item())
    mx.eval(state)
model.eval()
sample = model.decoder(mx.random.normal((16, model.latent)))
print(json.dumps({"losses": losses, "mean of samples": sample.mean().item(), "log": math.log(losses[-1])}))
