"""Losses. reduction: "mean" or "sum" of all elements, or "none": each by itself."""

import math
from typing import Literal, Optional, get_args

import tarn.core as mx

Reduction = Literal["none", "mean", "sum"]


def _reduce(loss: mx.array, reduction: Reduction = "none"):
    if reduction not in get_args(Reduction):
        raise ValueError(f"Invalid reduction. Must be one of {get_args(Reduction)}.")
    return {"none": lambda x: x, "mean": mx.mean, "sum": mx.sum}[reduction](loss)


def _same_shape(name, x, other_name, other):
    if x.shape != other.shape:
        raise ValueError(f"{name} shape {x.shape} does not match {other_name} shape {other.shape}.")


def _weighted(loss, weights):
    if weights is None:
        return loss
    if weights.shape != loss.shape:
        raise ValueError(
            f"Weights with shape {weights.shape} is not the same as output loss with shape {loss.shape}."
        )
    return loss * weights


def _score(logits, targets, axis):
    """The logit of the target class, or of a distribution over classes the mean by it."""
    if targets.ndim == logits.ndim:
        return mx.sum(logits * targets, axis=axis)
    return mx.take_along_axis(logits, mx.expand_dims(targets, axis), axis).squeeze(axis)


def _without(shape, axis):
    rest = list(shape)
    del rest[axis]
    return tuple(rest)


def cross_entropy(
    logits: mx.array,
    targets: mx.array,
    weights: Optional[mx.array] = None,
    axis: int = -1,
    label_smoothing: float = 0.0,
    reduction: Reduction = "none",
) -> mx.array:
    """-log softmax(logits) along axis at the targets: class indices, an axis less than logits, or probabilities, of the
    shape of logits. weights: a factor of each loss. label_smoothing: the share of the targets that is spread evenly.

    >>> nn.losses.cross_entropy(mx.array([[2.0, -1.0], [-1.0, 2.0]]), mx.array([0, 1]))
    array([0.0485873, 0.0485873], dtype=float32)
    """
    if label_smoothing < 0 or label_smoothing >= 1:
        raise ValueError(f"Label smoothing must be in [0, 1), got {label_smoothing}.")
    if targets.shape != (logits.shape if targets.ndim == logits.ndim else _without(logits.shape, axis)):
        raise ValueError(f"Targets shape {targets.shape} does not match logits shape {logits.shape}.")
    if targets.ndim == logits.ndim:  # as MLX has it, where the targets' sum is not 1
        logits = logits - mx.stop_gradient(mx.max(logits, axis=axis, keepdims=True))
    loss = mx.logsumexp(logits, axis=axis) - (1 - label_smoothing) * _score(logits, targets, axis)
    if label_smoothing > 0:
        loss = loss - label_smoothing * mx.mean(logits, axis=axis)
    return _reduce(_weighted(loss, weights), reduction)


def binary_cross_entropy(
    inputs: mx.array,
    targets: mx.array,
    weights: Optional[mx.array] = None,
    with_logits: bool = True,
    reduction: Reduction = "mean",
) -> mx.array:
    """-(targets * log(p) + (1 - targets) * log(1 - p)), p = sigmoid(inputs), or inputs themselves without with_logits:
    their logarithms then are at least -100.

    >>> nn.losses.binary_cross_entropy(mx.array([0.0, 0.0]), mx.array([0, 1]))
    array(0.693147, dtype=float32)
    """
    _same_shape("Inputs", inputs, "targets", targets)
    if with_logits:
        loss = mx.logaddexp(0.0, inputs) - inputs * targets
    else:
        log, log_rest = mx.clip(mx.log(inputs), -100, None), mx.clip(mx.log(1 - inputs), -100, None)
        loss = -(targets * log + (1 - targets) * log_rest)
    return _reduce(_weighted(loss, weights), reduction)


def l1_loss(predictions: mx.array, targets: mx.array, reduction: Reduction = "mean") -> mx.array:
    """|predictions - targets|."""
    _same_shape("Predictions", predictions, "targets", targets)
    return _reduce(mx.abs(predictions - targets), reduction)


def mse_loss(predictions: mx.array, targets: mx.array, reduction: Reduction = "mean") -> mx.array:
    """(predictions - targets)²."""
    _same_shape("Predictions", predictions, "targets", targets)
    return _reduce(mx.square(predictions - targets), reduction)


def nll_loss(inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none") -> mx.array:
    """-inputs at the target classes: inputs are log-probabilities along axis."""
    return _reduce(-mx.take_along_axis(inputs, mx.expand_dims(targets, axis), axis).squeeze(axis), reduction)


def gaussian_nll_loss(
    inputs: mx.array,
    targets: mx.array,
    vars: mx.array,
    full: bool = False,
    eps: float = 1e-6,
    reduction: Reduction = "mean",
) -> mx.array:
    """The negative logarithm of the density at targets of normal distributions with means inputs and variances vars, of
    at least eps; full: with its constant, log(2 pi) / 2."""
    _same_shape("Inputs", inputs, "targets", targets)
    _same_shape("Inputs", inputs, "vars", vars)
    variance = mx.maximum(vars, eps)
    loss = 0.5 * (mx.log(variance) + mx.square(targets - inputs) / variance)
    return _reduce(loss + 0.5 * math.log(2 * math.pi) if full else loss, reduction)


def kl_div_loss(inputs: mx.array, targets: mx.array, axis: int = -1, reduction: Reduction = "none") -> mx.array:
    """sum(exp(targets) * (targets - inputs)) along axis: how far inputs are from targets, both log-probabilities."""
    return _reduce(mx.sum(mx.exp(targets) * (targets - inputs), axis), reduction)


def smooth_l1_loss(
    predictions: mx.array, targets: mx.array, beta: float = 1.0, reduction: Reduction = "mean"
) -> mx.array:
    """|difference| - beta / 2, but difference² / (2 * beta) below beta."""
    _same_shape("Predictions", predictions, "targets", targets)
    difference = mx.abs(predictions - targets)
    loss = mx.where(difference < beta, 0.5 * mx.square(difference) / beta, difference - 0.5 * beta)
    return _reduce(loss, reduction)


def triplet_loss(
    anchors: mx.array,
    positives: mx.array,
    negatives: mx.array,
    axis: int = -1,
    p: int = 2,
    margin: float = 1.0,
    eps: float = 1e-6,
    reduction: Reduction = "none",
) -> mx.array:
    """max(distance to positives - distance to negatives + margin, 0): distances of anchors along axis in the p-norm."""

    def distance(x):
        return mx.power(mx.sum(mx.power(mx.abs(anchors - x), p), axis) + eps, 1 / p)

    return _reduce(mx.maximum(distance(positives) - distance(negatives) + margin, 0), reduction)


def hinge_loss(inputs: mx.array, targets: mx.array, reduction: Reduction = "none") -> mx.array:
    """max(1 - inputs * targets, 0), targets -1 or 1."""
    return _reduce(mx.maximum(1 - inputs * targets, 0), reduction)


def huber_loss(inputs: mx.array, targets: mx.array, delta: float = 1.0, reduction: Reduction = "none") -> mx.array:
    """difference² / 2 up to delta, delta * (|difference| - delta / 2) beyond."""
    difference = mx.abs(inputs - targets)
    near = mx.minimum(difference, delta)
    return _reduce(0.5 * mx.square(near) + delta * (difference - near), reduction)


def log_cosh_loss(inputs: mx.array, targets: mx.array, reduction: Reduction = "none") -> mx.array:
    """log(cosh(inputs - targets))."""
    difference = inputs - targets
    return _reduce(mx.logaddexp(difference, -difference) - math.log(2), reduction)


def cosine_similarity_loss(
    x1: mx.array, x2: mx.array, axis: int = 1, eps: float = 1e-8, reduction: Reduction = "none"
) -> mx.array:
    """The cosine of the angle between x1 and x2 along axis: their product over that of their lengths, of at least
    eps."""
    lengths = mx.linalg.norm(x1, axis=axis) * mx.linalg.norm(x2, axis=axis)
    return _reduce(mx.sum(x1 * x2, axis=axis) / mx.maximum(lengths, eps), reduction)


def margin_ranking_loss(
    inputs1: mx.array, inputs2: mx.array, targets: mx.array, margin: float = 0.0, reduction: Reduction = "none"
) -> mx.array:
    """max(-targets * (inputs1 - inputs2) + margin, 0): targets is 1 where inputs1 shall be the greater, else -1."""
    if not (inputs1.shape == inputs2.shape == targets.shape):
        raise ValueError(
            "The shapes of the arguments do not match. The provided shapes are "
            f"inputs1.shape={inputs1.shape}, inputs2.shape={inputs2.shape}, and targets.shape={targets.shape}."
        )
    return _reduce(mx.maximum(-targets * (inputs1 - inputs2) + margin, 0), reduction)
