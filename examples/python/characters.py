"""Learns generated stories character by character with a transformer, compares how well it and a table of trigrams
foresee new ones, and lets it tell one."""

import argparse
import math
import random
from collections import Counter

import tarn.core as mx
from tarn import nn, optimizers, training

CONTEXT, BATCH, DIMS = 64, 16, 64

WORDS = [
    "Anna Boris Clara David Elena Felix Greta Henry".split(),
    "old red tiny heavy broken silver wooden strange".split(),
    "box lamp book clock spoon mirror basket whistle".split(),
    "well barn cellar garden church forest harbour kitchen".split(),
]


def stories(seed, size):
    draw, text = random.Random(seed), ""
    while len(text) < size:
        who, how, what, where = (draw.choice(words) for words in WORDS)
        text += f"{who} had a {how} {what}. The {what} was in the {where}. So {who} went to the {where}.\n"
    return text[:size]


def trigram_loss(seen, new, letters):
    """Nats a character of new by the share of each after two others in seen, each counted a tenth of a time more."""
    threes, twos = (Counter(zip(*(seen[i:] for i in range(n)))) for n in (3, 2))
    chance = lambda a, b, c: (threes[a, b, c] + 0.1) / (twos[a, b] + 0.1 * letters)
    return -sum(math.log(chance(*three)) for three in zip(new, new[1:], new[2:])) / (len(new) - 2)


class Model(nn.Module):
    """Scores [batch, length, letters] of what comes after each of ids [batch, length]."""

    def __init__(self, letters):
        super().__init__()
        self.letters, self.places = nn.Embedding(letters, DIMS), nn.Embedding(CONTEXT, DIMS)
        self.encoder = nn.TransformerEncoder(2, DIMS, 4, activation=nn.gelu)
        self.output = nn.Linear(DIMS, letters)

    def __call__(self, ids):
        length = ids.shape[1]
        x = self.letters(ids) + self.places(mx.arange(length))
        return self.output(self.encoder(x, "causal"))

    def loss(self, ids):
        return nn.losses.cross_entropy(self(ids[:, :-1]), ids[:, 1:], reduction="mean")


def rows(text, alphabet):
    """Pieces [rows, CONTEXT + 1] of text, one behind the other."""
    ids = mx.array([alphabet.index(letter) for letter in text])
    count = (len(text) - 1) // CONTEXT
    return mx.concatenate([ids[: count * CONTEXT].reshape(count, CONTEXT), ids[CONTEXT::CONTEXT][:count, None]], axis=1)


def tell(model, alphabet, start, letters=120):
    text = start
    for _ in range(letters):
        ids = mx.array([[alphabet.index(letter) for letter in text[-CONTEXT:]]])
        text += alphabet[mx.random.categorical(2 * model(ids)[0, -1]).item()]
    return text


def rate(steps, warm=20, most=8e-3):
    """Up to most, and down again."""
    down = optimizers.cosine_decay(most, steps - warm)
    return optimizers.join_schedules([optimizers.linear_schedule(0, most, warm), down], [warm])


def run(seed=0, steps=200, **options):
    """Nats a character of new stories: the transformer's and the trigrams'."""
    seen, new = stories(2 * seed, 200_000), stories(2 * seed + 1, 20_000)
    alphabet = "".join(sorted(set(seen)))
    mx.random.seed(seed)
    model = Model(len(alphabet))
    optimizer = optimizers.Adam(rate(steps), bias_correction=True)
    trainer = training.Trainer(model, optimizer, model.loss, **options)
    trainer.run(training.Batches(rows(seen, alphabet), size=BATCH, seed=seed), steps)
    found = model.loss(rows(new, alphabet)).item()
    story = tell(model, alphabet, "Anna had ")
    return {"transformer": found, "trigrams": trigram_loss(seen, new, len(alphabet)), "story": story, "model": model}


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=0)
    found = run(parser.parse_args().seed)
    print(f"nats a character: transformer {found['transformer']:.3f}, trigrams {found['trigrams']:.3f}")
    print(found["story"])
