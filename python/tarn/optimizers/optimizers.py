"""Optimizers. Each keeps a state: the step, the learning rate, and for each parameter arrays of its own, in a tree
of the parameters' form."""

import math
from typing import Any, Callable, Dict, List, Optional, Tuple, Union

import tarn.core as mx
from tarn.nn.layers.base import Module
from tarn.utils import tree_flatten, tree_map, tree_merge, tree_reduce, tree_unflatten

__all__ = [
    "Optimizer",
    "MultiOptimizer",
    "SGD",
    "RMSprop",
    "Adagrad",
    "AdaDelta",
    "Adam",
    "AdamW",
    "Adamax",
    "Lion",
    "Adafactor",
    "Muon",
    "clip_grad_norm",
]


class Optimizer:
    """The base of all optimizers. A derived class says what the state of one parameter is (init_single), and how a
    gradient changes the parameter and its state (apply_single)."""

    def __init__(self, schedulers=None) -> None:
        self._initialized = False
        self._state = {"step": mx.array(0, mx.uint64)}
        self._schedulers = dict((schedulers or {}).items())

    def update(self, model: Module, gradients: dict) -> None:
        """Changes the parameters of model by gradients, a tree as nn.value_and_grad returns it."""
        model.update(self.apply_gradients(gradients, model))

    def init(self, parameters: dict) -> None:
        """Makes the state of these parameters. The first update does it otherwise."""
        _add_states(parameters, self._state)
        tree_map(lambda parameter, state: state or self.init_single(parameter, state), parameters, self._state)
        self._initialized = True

    def init_single(self, parameter: mx.array, state: dict) -> None:
        """Puts arrays for this parameter into state."""
        raise NotImplementedError()

    def apply_gradients(self, gradients: dict, parameters: dict) -> Any:
        """The parameters changed by gradients, as a tree of the gradients' form; parameters may hold more."""
        if not self._initialized:
            self.init(gradients)
        for name, schedule in self._schedulers.items():
            self._state[name] = _as_array(schedule(self.step))
        self._state["step"] = self.step + 1
        return tree_map(self.apply_single, gradients, parameters, self._state)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        """The parameter changed by its gradient; changes state."""
        raise NotImplementedError()

    @property
    def state(self) -> Dict[str, Any]:
        """A dictionary with all that the optimizer keeps between steps. It can be saved, and set."""
        return self._state

    @state.setter
    def state(self, state: dict):
        self._initialized = False
        self._state = state

    @property
    def step(self) -> mx.array:
        """The number of updates so far, an array."""
        return self._state["step"]

    @property
    def learning_rate(self) -> mx.array:
        """The learning rate, an array; of a schedule that of the last update."""
        return self._state["learning_rate"]

    @learning_rate.setter
    def learning_rate(self, learning_rate: Union[float, mx.array]):
        self._state["learning_rate"] = mx.array(learning_rate)

    def _maybe_schedule(self, name: str, param: Union[float, Callable[[mx.array], mx.array]]):
        """Keeps param, a number or a schedule, under name in the state."""
        if callable(param):
            self._schedulers[name] = param
            param = param(self.step)
        self._state[name] = _as_array(param)


def _as_array(value):
    return value if isinstance(value, mx.array) else mx.array(value)


def _add_states(parameters, state):
    """Gives state, a tree of parameters' form that may lack places, an empty dictionary for each parameter it lacks."""
    pairs = parameters.items() if isinstance(parameters, dict) else enumerate(parameters)
    for key, value in pairs:
        if key not in state if isinstance(state, dict) else key >= len(state):
            _put(state, key, tree_map(lambda _: {}, value))
        elif isinstance(value, (dict, list, tuple)):
            _add_states(value, state[key])


def _put(container, key, value):
    if isinstance(container, dict):
        container[key] = value
    else:
        container.append(value)


class MultiOptimizer(Optimizer):
    """Several optimizers for one model: filters(path, gradient), one less than there are optimizers, say in turn which
    takes a parameter; the last takes what is left."""

    def __init__(self, optimizers, filters: list = []):
        super().__init__({})
        self._state = {}
        if len(filters) != len(optimizers) - 1:
            raise ValueError(f"Given {len(filters)} filters but {len(optimizers) - 1} needed.")
        self.optimizers = optimizers
        self.filters = filters + [lambda *_: True]

    def _split_dictionary(self, gradients: dict):
        if len(self.optimizers) == 1:
            return [gradients]
        parts = [[] for _ in self.optimizers]
        for path, gradient in tree_flatten(gradients):
            wanted = next(i for i, takes in enumerate(self.filters) if takes(path, gradient))
            parts[wanted].append((path, gradient))
        return [tree_unflatten(part) if part else {} for part in parts]

    def init(self, parameters: dict) -> None:
        for optimizer, part in zip(self.optimizers, self._split_dictionary(parameters)):
            optimizer.init(part)

    def apply_gradients(self, gradients: dict, parameters: dict) -> Any:
        changed = {}
        for optimizer, part in zip(self.optimizers, self._split_dictionary(gradients)):
            changed = tree_merge(changed, optimizer.apply_gradients(part, parameters))
        return changed

    @property
    def state(self) -> Dict[str, Any]:
        """{"states": [the state of each optimizer]}."""
        return {"states": [optimizer.state for optimizer in self.optimizers]}

    @state.setter
    def state(self, state: dict):
        if "states" not in state or len(state["states"]) != len(self.optimizers):
            raise ValueError("Invalid state provided")
        for optimizer, of_one in zip(self.optimizers, state["states"]):
            optimizer.state = of_one

    @property
    def learning_rate(self) -> mx.array:
        """The learning rate of the first optimizer; setting it sets that of all."""
        return self.optimizers[0].learning_rate

    @learning_rate.setter
    def learning_rate(self, learning_rate: Union[float, mx.array]):
        for optimizer in self.optimizers:
            optimizer.learning_rate = learning_rate


Rate = Union[float, Callable[[mx.array], mx.array]]


class _WithRate(Optimizer):
    """An optimizer with a learning rate and arrays of zeros, of the parameter's form, named _zeros, as state."""

    _zeros = ()

    def __init__(self, learning_rate: Rate):
        super().__init__()
        self._maybe_schedule("learning_rate", learning_rate)

    def init_single(self, parameter: mx.array, state: dict) -> None:
        for name in self._zeros:
            state[name] = mx.zeros_like(parameter)

    def _rate(self, gradient):
        return self.learning_rate.astype(gradient.dtype)


class SGD(_WithRate):
    """v = momentum * v + (1 - dampening) * g, w = w - learning_rate * v, with weight_decay * w added to the gradient g.
    nesterov: g + momentum * v in the place of v."""

    _zeros = ("v",)

    def __init__(
        self,
        learning_rate: Rate,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        dampening: float = 0.0,
        nesterov: bool = False,
    ):
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening.")
        super().__init__(learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.dampening = dampening
        self.nesterov = nesterov

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        return parameter - self._rate(gradient) * self._direction(gradient, state)

    def _direction(self, gradient, state):
        if self.momentum <= 0:
            return gradient
        fresh = (1 - self.dampening) * gradient if self.dampening > 0 else gradient
        state["v"] = v = self.momentum * state["v"] + fresh
        return gradient + self.momentum * v if self.nesterov else v


class RMSprop(_WithRate):
    """v = alpha * v + (1 - alpha) * g², w = w - learning_rate * g / (sqrt(v) + eps) (Tieleman and Hinton, 2012)."""

    _zeros = ("v",)

    def __init__(self, learning_rate: Rate, alpha: float = 0.99, eps: float = 1e-8):
        super().__init__(learning_rate)
        _require("RMSprop", "alpha", alpha >= 0, ">=0", alpha)
        _require("RMSprop", "epsilon", eps > 0, ">0", eps)
        self.alpha = alpha
        self.eps = eps

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        state["v"] = v = self.alpha * state["v"] + (1 - self.alpha) * mx.square(gradient)
        return parameter - self._rate(gradient) * gradient / (mx.sqrt(v) + self.eps)


class Adagrad(_WithRate):
    """v = v + g², w = w - learning_rate * g / (sqrt(v) + eps) (Duchi et al., 2011)."""

    _zeros = ("v",)

    def __init__(self, learning_rate: Rate, eps: float = 1e-8):
        super().__init__(learning_rate)
        _require("Adagrad", "epsilon", eps > 0, ">0", eps)
        self.eps = eps

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        state["v"] = v = state["v"] + mx.square(gradient)
        return parameter - self._rate(gradient) * gradient / (mx.sqrt(v) + self.eps)


class AdaDelta(_WithRate):
    """v = rho * v + (1 - rho) * g², d = sqrt(u + eps) / sqrt(v + eps) * g, u = rho * u + (1 - rho) * d²,
    w = w - learning_rate * d (Zeiler, 2012)."""

    _zeros = ("v", "u")

    def __init__(self, learning_rate: Rate, rho: float = 0.9, eps: float = 1e-6):
        super().__init__(learning_rate)
        _require("AdaDelta", "rho", rho >= 0, ">=0", rho)
        _require("AdaDelta", "epsilon", eps > 0, ">0", eps)
        self.rho = rho
        self.eps = eps

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        state["v"] = v = self.rho * state["v"] + (1 - self.rho) * mx.square(gradient)
        d = mx.sqrt(state["u"] + self.eps) / mx.sqrt(v + self.eps) * gradient
        state["u"] = self.rho * state["u"] + (1 - self.rho) * mx.square(d)
        return parameter - self._rate(gradient) * d


def _require(optimizer, name, holds, bound, value):
    if not holds:
        raise ValueError(f"{optimizer} {name} should be {bound}, {value} was provided instead")


class _WithMoments(_WithRate):
    """An optimizer with two decay rates, betas."""

    def __init__(self, learning_rate: Rate, betas: List[float]):
        super().__init__(learning_rate)
        for i, beta in enumerate(betas):
            _require(self._name, f"beta{i + 1}", 0 <= beta < 1, "in [0, 1)", beta)
        self.betas = betas


class Adam(_WithMoments):
    """m = b1 * m + (1 - b1) * g, v = b2 * v + (1 - b2) * g², w = w - learning_rate * m / (sqrt(v) + eps) (Kingma and
    Ba, 2015). bias_correction: m and v are divided by 1 - b1^step and 1 - b2^step."""

    _zeros = ("m", "v")
    _name = "Adam"

    def __init__(
        self, learning_rate: Rate, betas: List[float] = [0.9, 0.999], eps: float = 1e-8, bias_correction: bool = False
    ):
        super().__init__(learning_rate, betas)
        _require("Adam", "epsilon", eps >= 0, ">=0", eps)
        self.eps = eps
        self.bias_correction = bias_correction

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate, (b1, b2) = self._rate(gradient), self.betas
        state["m"] = m = b1 * state["m"] + (1 - b1) * gradient
        state["v"] = v = b2 * state["v"] + (1 - b2) * mx.square(gradient)
        if not self.bias_correction:
            return parameter - rate * m / (mx.sqrt(v) + self.eps)
        rate = (rate / (1 - b1**self.step)).astype(gradient.dtype)
        correction = mx.rsqrt(1 - b2**self.step).astype(gradient.dtype)
        return parameter - rate * m / (mx.sqrt(v) * correction + self.eps)


class AdamW(Adam):
    """Adam after w = w * (1 - learning_rate * weight_decay) (Loshchilov and Hutter, 2019)."""

    def __init__(
        self,
        learning_rate: Rate,
        betas: List[float] = [0.9, 0.999],
        eps: float = 1e-8,
        weight_decay: float = 0.01,
        bias_correction: bool = False,
    ):
        super().__init__(learning_rate, betas, eps, bias_correction)
        self.weight_decay = weight_decay

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        decayed = parameter * (1 - self._rate(gradient) * self.weight_decay)
        return super().apply_single(gradient, decayed, state)


class Adamax(Adam):
    """m = b1 * m + (1 - b1) * g, v = max(b2 * v, |g|), w = w - learning_rate * m / (v + eps) (Kingma and Ba, 2015)."""

    def __init__(self, learning_rate: Rate, betas: List[float] = [0.9, 0.999], eps: float = 1e-8):
        super().__init__(learning_rate, betas, eps)

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        b1, b2 = self.betas
        state["m"] = m = b1 * state["m"] + (1 - b1) * gradient
        state["v"] = v = mx.maximum(b2 * state["v"], mx.abs(gradient))
        return parameter - self._rate(gradient) * m / (v + self.eps)


class Lion(_WithMoments):
    """c = b1 * m + (1 - b1) * g, m = b2 * m + (1 - b2) * g, w = w - learning_rate * (sign(c) + weight_decay * w)
    (Chen et al., 2023)."""

    _zeros = ("m",)
    _name = "Lion"

    def __init__(self, learning_rate: Rate, betas: List[float] = [0.9, 0.99], weight_decay: float = 0.0):
        super().__init__(learning_rate, betas)
        self.weight_decay = weight_decay

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate, (b1, b2), m = self._rate(gradient), self.betas, state["m"]
        c = b1 * m + (1 - b1) * gradient
        state["m"] = b2 * m + (1 - b2) * gradient
        if self.weight_decay > 0:
            parameter = (1 - rate * self.weight_decay) * parameter
        return parameter - rate * mx.sign(c)


class Adafactor(Optimizer):
    """Adaptive rates from the mean squares of the rows and columns of gradients alone (Shazeer and Stern, 2018).
    eps: added to the squares, and the least scale of a parameter. clip_threshold: of the update's root mean square.
    decay_rate: of the squares' memory, 1 - step^decay_rate. beta_1: that of a first moment, if there shall be one.
    scale_parameter: rates grow with the parameter's root mean square. relative_step: the rate is min(0.01, 1 /
    sqrt(step)) in the place of learning_rate; warmup_init: min(1e-6 * step, 1 / sqrt(step))."""

    def __init__(
        self,
        learning_rate: Union[float, Callable[[mx.array], mx.array], None] = None,
        eps: Tuple[float, float] = (1e-30, 1e-3),
        clip_threshold: float = 1.0,
        decay_rate: float = -0.8,
        beta_1: Optional[float] = None,
        weight_decay: float = 0.0,
        scale_parameter: bool = True,
        relative_step: bool = True,
        warmup_init: bool = False,
    ):
        super().__init__()
        if learning_rate is not None:
            self._maybe_schedule("learning_rate", learning_rate)
        self.eps = eps
        self.clip_threshold = clip_threshold
        self.decay_rate = decay_rate
        self.beta_1 = beta_1
        self.weight_decay = weight_decay
        self.scale_parameter = scale_parameter
        self.relative_step = relative_step
        self.warmup_init = warmup_init

    def init_single(self, parameter: mx.array, state: dict) -> None:
        if parameter.ndim >= 2:
            shape, dtype = parameter.shape, parameter.dtype
            state["exp_avg_sq_row"] = mx.zeros(shape[:-1], dtype=dtype)
            state["exp_avg_sq_col"] = mx.zeros(shape[:-2] + shape[-1:], dtype=dtype)
        else:
            state["exp_avg_sq"] = mx.zeros_like(parameter)
        if self.beta_1 is not None:
            state["exp_avg"] = mx.zeros_like(parameter)

    def _compute_rms(self, inputs):
        return mx.sqrt(mx.mean(mx.square(inputs)))

    def _compute_learning_rate(self, step, parameter_rms):
        if self.relative_step:
            rate = mx.minimum(1e-6 * step if self.warmup_init else 1e-2, mx.rsqrt(step))
        else:
            rate = self.learning_rate
        rate = rate.astype(parameter_rms.dtype)
        return mx.maximum(self.eps[1], parameter_rms) * rate if self.scale_parameter else rate

    def _approximate_exp_moving_avg(self, exp_avg_sq_row, exp_avg_sq_col):
        """1 / sqrt of the mean squares of a matrix, of which those of its rows and columns are known."""
        rows = mx.rsqrt(exp_avg_sq_row / mx.mean(exp_avg_sq_row, axis=-1, keepdims=True))
        return mx.matmul(mx.expand_dims(rows, -1), mx.expand_dims(mx.rsqrt(exp_avg_sq_col), -2))

    def _scaled_gradient(self, gradient, state):
        memory = (1.0 - self.step**self.decay_rate).astype(gradient.dtype)
        squares = mx.square(gradient) + self.eps[0]

        def average(name, fresh):
            state[name] = memory * state[name] + (1 - memory) * fresh
            return state[name]

        if gradient.ndim < 2:
            return mx.rsqrt(average("exp_avg_sq", squares)) * gradient
        rows = average("exp_avg_sq_row", mx.mean(squares, axis=-1))
        columns = average("exp_avg_sq_col", mx.mean(squares, axis=-2))
        return self._approximate_exp_moving_avg(rows, columns) * gradient

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        rate = self._compute_learning_rate(self.step, self._compute_rms(parameter))
        update = self._scaled_gradient(gradient, state)
        update = rate * (update / mx.maximum(1.0, self._compute_rms(update) / self.clip_threshold))
        if self.beta_1 is not None:
            state["exp_avg"] = update = self.beta_1 * state["exp_avg"] + (1 - self.beta_1) * update
        if self.weight_decay != 0:
            parameter = parameter + parameter * (-self.weight_decay * rate)
        return parameter - update


class Muon(_WithRate):
    """Momentum whose matrices are made orthogonal by ns_steps steps of Newton and Schulz (Jordan, 2024). Of more
    than two axes, all but the first are taken as one; vectors and numbers are updated by their momentum alone."""

    _zeros = ("v",)

    def __init__(
        self,
        learning_rate: Rate,
        momentum: float = 0.95,
        weight_decay: float = 0.01,
        nesterov: bool = True,
        ns_steps: int = 5,
    ):
        super().__init__(learning_rate)
        self.momentum = momentum
        self.weight_decay = weight_decay
        self.nesterov = nesterov
        self.ns_steps = ns_steps

    def _zeropower_via_newtonschulz5(self, X, steps: int):
        """X [rows, columns] with singular values near 1."""
        if X.ndim != 2:
            raise ValueError(f"Muon: a matrix was expected, not an array of shape {X.shape}")
        wide = X.T if X.shape[0] > X.shape[1] else X
        wide = wide / (mx.linalg.norm(wide, keepdims=True) + 1e-7)
        for _ in range(steps):
            square = wide @ wide.T
            wide = 3.4445 * wide + mx.addmm(-4.7750 * square, square, square, beta=1.0, alpha=2.0315) @ wide
        return wide.T if X.shape[0] > X.shape[1] else wide

    def apply_single(self, gradient: mx.array, parameter: mx.array, state: dict) -> mx.array:
        if self.weight_decay != 0:
            gradient = gradient + self.weight_decay * parameter
        state["v"] = v = self.momentum * state["v"] + (1 - self.momentum) * gradient
        update = gradient * (1 - self.momentum) + v * self.momentum if self.nesterov else v
        rate = self._rate(gradient)
        if update.ndim >= 2:
            matrix = update.reshape(update.shape[0], -1) if update.ndim > 2 else update
            rate = rate * math.sqrt(max(1, update.shape[-2] / update.shape[-1]))
            update = self._zeropower_via_newtonschulz5(matrix, self.ns_steps).reshape(update.shape)
        return parameter - rate * update


def clip_grad_norm(grads, max_norm) -> Tuple[Any, mx.array]:
    """The gradients, a tree, scaled so that the root of the sum of all their squares is at most max_norm, and that root
    before.

    >>> optimizers.clip_grad_norm({"a": mx.array([3.0, 4.0])}, 1.0)
    ({'a': array([0.6, 0.8], dtype=float32)}, array(5, dtype=float32))
    """
    if max_norm < 0:
        raise ValueError(f"max_norm should be >=0, {max_norm} was provided instead")
    squares = tree_reduce(lambda total, g: total + mx.sum(mx.square(g.astype(mx.float32))), grads, mx.array(0.0))
    norm = mx.sqrt(squares)
    scale = mx.minimum(max_norm / (norm + 1e-6), 1.0)
    return tree_map(lambda g: (g * scale).astype(g.dtype), grads), norm
