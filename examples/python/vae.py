"""A variational autoencoder (Kingma and Welling, 2013) of pictures of digits: learns to draw them from a few
numbers."""

import argparse
import math

import digits
import tarn.core as mx
from tarn import nn, optimizers, training

SIDE, LATENT, HIDDEN = 16, 8, 200


def pictures(seed, count):
    """[count, SIDE * SIDE] dots, 0 or 1: digits in the middle, a little moved."""
    keys = mx.random.split(mx.random.key(seed), 3)
    shapes = mx.array([[int(dot) for dot in digit] for digit in digits.DOTS], mx.float32).reshape(10, 7, 5)
    shapes = mx.pad(mx.repeat(mx.repeat(shapes, 2, axis=1), 2, axis=2)[:, :14, :10], [(0, 0), (1, 1), (3, 3)])
    digit = mx.random.randint(0, 10, (count, 1, 1), key=keys[0])
    down, right = (mx.random.randint(-1, 2, (count, 1, 1), key=key) for key in keys[1:])
    place = mx.arange(SIDE)
    return shapes[digit, (place[:, None] - down) % SIDE, (place - right) % SIDE].reshape(count, -1)


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(SIDE * SIDE, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, 2 * LATENT))
        self.decoder = nn.Sequential(nn.Linear(LATENT, HIDDEN), nn.ReLU(), nn.Linear(HIDDEN, SIDE * SIDE))

    def bound(self, x):
        """An upper bound of -log p(x) in nats a picture: of the dots by what is decoded, and of the code."""
        mean, log_variance = mx.split(self.encoder(x), 2, axis=-1)
        code = mean + mx.exp(0.5 * log_variance) * mx.random.normal(mean.shape)
        dots = nn.losses.binary_cross_entropy(self.decoder(code), x, reduction="none").sum(-1)
        divergence = 0.5 * (mx.square(mean) + mx.exp(log_variance) - log_variance - 1).sum(-1)
        return mx.mean(dots + divergence)

    def sample(self, count):
        return mx.sigmoid(self.decoder(mx.random.normal((count, LATENT))))


def independent_dots(seen, new):
    """-log p of new pictures by how often each dot is set in seen, each by itself."""
    share = mx.clip(mx.mean(seen, axis=0), 1e-4, 1 - 1e-4)
    return -mx.mean((new * mx.log(share) + (1 - new) * mx.log(1 - share)).sum(-1)).item()


def likeness(samples, known):
    """The mean share of dots, rounded, in which a sample is like the known picture nearest to it."""
    differences = mx.abs(mx.round(samples)[:, None] - known[None]).mean(-1)
    return 1 - mx.mean(mx.min(differences, axis=1)).item()


def run(seed=0, steps=1500, **options):
    """The bound on new pictures, what dots by themselves give, and how like known pictures samples are."""
    seen, new = pictures(2 * seed, 4000), pictures(2 * seed + 1, 500)
    mx.random.seed(seed)
    model = Autoencoder()
    trainer = training.Trainer(model, optimizers.Adam(2e-3), model.bound, **options)
    trainer.run(training.Batches(seen, size=100, seed=seed), steps)
    samples = model.sample(100)
    return {
        "bound": model.bound(new).item(),
        "independent dots": independent_dots(seen, new),
        "likeness": likeness(samples, new),
        "least bound": math.log(90),  # ten digits at nine places, all as likely
        "samples": samples,
        "model": model,
    }


def show(picture):
    dots = picture.reshape(SIDE, SIDE).tolist()
    return "\n".join("".join("#" if dot > 0.5 else "." for dot in row) for row in dots)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    found = run(parser.parse_args().seed)
    print(f"{found['bound']:.1f} nats a picture, {found['least bound']:.1f} at best; ", end="")
    print(f"dots each by themselves: {found['independent dots']:.1f}. Samples:")
    for sample in found["samples"][:3]:
        print(show(sample), end="\n\n")
