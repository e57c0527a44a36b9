"""A Wasserstein GAN: two networks with optimizers of their own, the critic's weights clipped, and a penalty on the gradient of its gradient."""

import json

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_map


class Network(nn.Module):
    def __init__(self, *sizes):
        super().__init__()
        self.layers = [nn.Linear(before, after) for before, after in zip(sizes, sizes[1:])]

    def __call__(self, x):
        for layer in self.layers[:-1]:
            x = nn.leaky_relu(layer(x), 0.2)
        return self.layers[-1](x)


random = np.random.default_rng(0)
real = (random.standard_normal((256, 2)) @ np.array([[1.0, 0.6], [0.0, 0.4]]) + np.array([2.0, -1.0])).astype("f4")
noise = random.standard_normal((20, 64, 4)).astype("f4")
mixes = random.random((20, 64, 1)).astype("f4")
mx.random.seed(4)
generator, critic = Network(4, 32, 32, 2), Network(2, 32, 32, 1)
generator_optimizer, critic_optimizer = optim.RMSprop(1e-3), optim.RMSprop(1e-3)


def slope(x):
    return mx.grad(lambda x: critic(x).sum())(x)


def critic_loss(x, z, mix):
    made = mx.stop_gradient(generator(z))
    penalty = ((mx.linalg.norm(slope(mix * x + (1 - mix) * made), axis=-1) - 1) ** 2).mean()
    return critic(made).mean() - critic(x).mean() + 10 * penalty


def generator_loss(z):
    return -critic(generator(z)).mean()


critic_step = nn.value_and_grad(critic, critic_loss)
generator_step = nn.value_and_grad(generator, generator_loss)
losses = {"critic": [], "generator": []}
for step in range(20):
    x, z = mx.array(real[step * 64 % 256 :][:64]), mx.array(noise[step])
    loss, gradients = critic_step(x, z, mx.array(mixes[step]))
    critic_optimizer.update(critic, gradients)
    critic.update(tree_map(lambda p: mx.clip(p, -0.5, 0.5), critic.parameters()))
    losses["critic"].append(loss.item())
    loss, gradients = generator_step(z)
    generator_optimizer.update(generator, gradients)
    mx.eval(generator, critic, generator_optimizer.state, critic_optimizer.state)
    losses["generator"].append(loss.item())
print(json.dumps(losses))
