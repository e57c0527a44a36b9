"""Data for the programs beside this file, the same from run to run."""

import numpy as np


def pictures(count, classes, size=12, channels=1, seed=0):
    """Pictures of `classes` kinds: a pattern for each kind, shifted and noisy. (count, size, size, channels) float32 and labels."""
    random = np.random.default_rng(seed)
    patterns = np.random.default_rng(99).random((classes, size, size, channels)) > 0.6
    labels = random.integers(0, classes, count)
    shifts = random.integers(-1, 2, (count, 2))
    shifted = [np.roll(patterns[label], tuple(shift), (0, 1)) for label, shift in zip(labels, shifts)]
    noisy = np.stack(shifted) + 0.3 * random.standard_normal((count, size, size, channels))
    return noisy.astype(np.float32), labels.astype(np.uint32)


def text(length, vocabulary=32, seed=0):
    """Token ids of a language in which the next token mostly follows from the two before it."""
    random = np.random.default_rng(seed)
    tokens = [1, 2]
    for _ in range(length - 2):
        following = (tokens[-1] + 1 + tokens[-2] % 3) % vocabulary
        tokens.append(following if random.random() < 0.9 else int(random.integers(vocabulary)))
    return np.array(tokens, dtype=np.uint32)


def windows(tokens, count, length, seed=0):
    """`count` windows of `length` tokens and the tokens that follow each."""
    starts = np.random.default_rng(seed).integers(0, len(tokens) - length - 1, count)
    return np.stack([tokens[s : s + length] for s in starts]), np.stack([tokens[s + 1 : s + length + 1] for s in starts])


def graph(nodes, classes, features, seed=0):
    """A graph whose nodes of one class are mostly joined to each other: the normalized adjacency, the nodes' features and classes."""
    random = np.random.default_rng(seed)
    labels = random.integers(0, classes, nodes)
    likely = np.where(labels[:, None] == labels[None], 0.2, 0.02)
    joined = np.triu(random.random((nodes, nodes)) < likely, 1)
    adjacency = joined + joined.T + np.eye(nodes)
    scale = 1 / np.sqrt(adjacency.sum(1))
    x = random.standard_normal((nodes, features)) + np.eye(classes, features)[labels]
    return (adjacency * scale[:, None] * scale).astype(np.float32), x.astype(np.float32), labels.astype(np.uint32)
