"""Layers that give their input mean 0 and variance 1, over different axes."""

from functools import lru_cache

import tarn.core as mx
from tarn.nn.layers.base import Module


def _require_positive_eps(layer, eps):
    if eps <= 0.0:
        raise ValueError(f"[{layer}] 'eps' must be positive but got {eps}.")


def _normalized(x, axis, eps):
    """x with mean 0 and variance 1 along axis, an int or several."""
    mean = mx.mean(x, axis=axis, keepdims=True)
    return (x - mean) * mx.rsqrt(mx.var(x, axis=axis, keepdims=True) + eps)


def _scaled(layer, x):
    return layer.weight * x + layer.bias if "weight" in layer else x


class InstanceNorm(Module):
    """Normalizes each channel of each example: [batch, …, channels] over the axes between (Ulyanov et al., 2016)."""

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = False):
        super().__init__()
        _require_positive_eps("InstanceNorm", eps)
        if affine:
            self.weight = mx.ones((dims,))
            self.bias = mx.zeros((dims,))
        self.dims = dims
        self.eps = eps

    def _extra_repr(self):
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 3:
            raise ValueError(
                "InstanceNorm expects inputs with at least 3 dimensions (N, ..., C) but the input has "
                f"{x.ndim} dimensions."
            )
        return _scaled(self, _normalized(x, tuple(range(1, x.ndim - 1)), self.eps))


class LayerNorm(Module):
    """Normalizes over the last axis, then scales by weight and adds bias (Ba et al., 2016)."""

    def __init__(self, dims: int, eps: float = 1e-5, affine: bool = True, bias: bool = True):
        super().__init__()
        _require_positive_eps("LayerNorm", eps)
        if affine:
            self.weight = mx.ones((dims,))
            if bias:
                self.bias = mx.zeros((dims,))
        self.eps = eps
        self.dims = dims

    def _extra_repr(self):
        return f"{self.dims}, eps={self.eps}, affine={'weight' in self}"

    def __call__(self, x) -> mx.array:
        return mx.fast.layer_norm(x, self.get("weight"), self.get("bias"), self.eps)


class RMSNorm(Module):
    """Divides by the root of the mean square over the last axis, taken in float32, and scales by weight (Zhang and
    Sennrich, 2019)."""

    def __init__(self, dims: int, eps: float = 1e-5):
        super().__init__()
        _require_positive_eps("RMSNorm", eps)
        self.weight = mx.ones((dims,))
        self.eps = eps

    def _extra_repr(self):
        return f"{self.weight.shape[0]}, eps={self.eps}"

    def __call__(self, x) -> mx.array:
        return mx.fast.rms_norm(x, self["weight"], self.eps)


class GroupNorm(Module):
    """Normalizes each of num_groups groups of channels of each example, [batch, …, dims] (Wu and He, 2018).
    pytorch_compatible: a group is channels that follow each other; else every num_groups-th."""

    def __init__(
        self, num_groups: int, dims: int, eps: float = 1e-5, affine: bool = True, pytorch_compatible: bool = False
    ):
        super().__init__()
        _require_positive_eps("GroupNorm", eps)
        for what, number in (("groups", num_groups), ("features", dims)):
            if number <= 0:
                raise ValueError(f"The number of {what} ({number}) must be a positive integer.")
        if dims % num_groups != 0:
            raise ValueError(
                f"The number of features ({dims}) must be evenly divisible by the number of groups ({num_groups})."
            )
        if affine:
            self.bias = mx.zeros((dims,))
            self.weight = mx.ones((dims,))
        self.num_groups = num_groups
        self.dims = dims
        self.eps = eps
        self.pytorch_compatible = pytorch_compatible

    def _extra_repr(self):
        return (
            f"{self.num_groups}, {self.dims}, eps={self.eps}, affine={'weight' in self}, "
            f"pytorch_compatible={self.pytorch_compatible}"
        )

    def _adjacent_groups(self, x):
        batch, *rest, dims = x.shape
        groups = x.reshape(batch, -1, self.num_groups, dims // self.num_groups).swapaxes(1, 2)
        flat = mx.fast.layer_norm(groups.reshape(batch, self.num_groups, -1), None, None, self.eps)
        return flat.reshape(groups.shape).swapaxes(1, 2).reshape(batch, *rest, dims)

    def _interleaved_groups(self, x):
        groups = x.reshape(x.shape[0], -1, self.num_groups)
        return _normalized(groups, 1, self.eps).reshape(x.shape)

    def __call__(self, x) -> mx.array:
        return _scaled(self, self._adjacent_groups(x) if self.pytorch_compatible else self._interleaved_groups(x))


@lru_cache
def _batch_norm(eps):
    """A function of x [..., channels], weight and bias: x normalized over all but the last axis, scaled and shifted,
    and the mean and variance of each channel. Its gradient needs two sums over x, where that of its steps would need
    four."""

    @mx.custom_function
    def normalize(x, weight, bias):
        axes = tuple(range(x.ndim - 1))
        mean, variance = mx.mean(x, axis=axes), mx.var(x, axis=axes)
        return (x - mean) * (mx.rsqrt(variance + eps) * weight) + bias, mean, variance

    @normalize.vjp
    def gradients(inputs, of_outputs, outputs):
        (x, weight, _), (of_y, of_mean, of_variance), (_, mean, variance) = inputs, of_outputs, outputs
        axes, count = tuple(range(x.ndim - 1)), x.size // x.shape[-1]
        scale = mx.rsqrt(variance + eps)
        total = mx.sum(of_y, axis=axes)
        along = mx.sum(of_y * ((x - mean) * scale), axis=axes)
        shift = (of_mean - weight * scale * total) / count
        slope = (2 * of_variance - weight * scale * scale * along) / count
        return of_y * (weight * scale) + (slope * (x - mean) + shift), along, total

    return normalize


class BatchNorm(Module):
    """Normalizes each channel over the whole batch, [batch, channels], [batch, length, channels] or [batch, height,
    width, channels] (Ioffe and Szegedy, 2015). In training mode by the batch's own mean and variance, of which it
    keeps running averages; out of it by these."""

    def __init__(
        self,
        num_features: int,
        eps: float = 1e-5,
        momentum: float = 0.1,
        affine: bool = True,
        track_running_stats: bool = True,
    ):
        super().__init__()
        _require_positive_eps("BatchNorm", eps)
        self.num_features = num_features
        self.eps = eps
        self.momentum = momentum
        self.track_running_stats = track_running_stats
        if affine:
            self.weight = mx.ones((num_features,))
            self.bias = mx.zeros((num_features,))
        if track_running_stats:
            self.running_mean = mx.zeros((num_features,))
            self.running_var = mx.ones((num_features,))
            self._freeze_averages()

    def _freeze_averages(self):
        self.freeze(keys=["running_mean", "running_var"], recurse=False)

    def unfreeze(self, *args, **kwargs) -> "BatchNorm":
        """As Module.unfreeze, but the running averages stay as they are."""
        super().unfreeze(*args, **kwargs)
        self._freeze_averages()
        return self

    def _extra_repr(self):
        return (
            f"{self.num_features}, eps={self.eps}, momentum={self.momentum}, affine={'weight' in self}, "
            f"track_running_stats={self.track_running_stats}"
        )

    def _keep_averages(self, count, mean, variance):
        """Takes those of a batch, of count elements a channel, into the running averages."""
        share, unbiased = self.momentum, variance * (count / (count - 1)) if count > 1 else variance
        self.running_mean = (1 - share) * self.running_mean + share * mean
        self.running_var = (1 - share) * self.running_var + share * unbiased

    def _by_batch(self, x):
        channels = x.shape[-1]
        if x.size == channels:
            raise ValueError("BatchNorm training requires more than one value per channel.")
        weight, bias = self.get("weight"), self.get("bias")
        if weight is None:
            weight, bias = mx.ones((channels,), x.dtype), mx.zeros((channels,), x.dtype)
        y, mean, variance = _batch_norm(self.eps)(x, weight, bias)
        if self.training and self.track_running_stats:
            self._keep_averages(x.size // channels, mean, variance)
        return y

    def __call__(self, x: mx.array) -> mx.array:
        if x.ndim < 2 or x.ndim > 4:
            raise ValueError(f"Expected input tensor to have 2, 3 or 4 dimensions, but got {x.ndim}")
        if self.training or not self.track_running_stats:
            return self._by_batch(x)
        return _scaled(self, (x - self.running_mean) * mx.rsqrt(self.running_var + self.eps))
