"""Schedules: functions of the step, counted from 0, that optimizers take as a learning rate.

>>> optimizers.linear_schedule(0.0, 0.1, 10)(mx.array(5))
array(0.05, dtype=float32)
"""

import math
from typing import Callable, List

import tarn.core as mx

__all__ = ["exponential_decay", "step_decay", "cosine_decay", "join_schedules", "linear_schedule"]


def _require_positive(name, value):
    if value < 1:
        raise ValueError(f"{name} must be greater than 0, but got {value}.")


def exponential_decay(init: float, decay_rate: float) -> Callable:
    """init * decay_rate ** step."""
    return lambda step: init * decay_rate**step


def step_decay(init: float, decay_rate: float, step_size: int) -> Callable:
    """init * decay_rate ** (step // step_size)."""
    _require_positive("step_size", step_size)
    return lambda step: init * decay_rate ** (step // step_size)


def cosine_decay(init: float, decay_steps: int, end: float = 0.0) -> Callable:
    """From init to end along half a wave of the cosine, in decay_steps steps; then end."""
    _require_positive("decay_steps", decay_steps)

    def schedule(step):
        share = 0.5 * (1.0 + mx.cos((math.pi / decay_steps) * mx.minimum(step, decay_steps)))
        return end + share * (init - end)

    return schedule


def join_schedules(schedules: List[Callable], boundaries: List[int]) -> Callable:
    """One schedule after another: the second begins, with its step 0, at boundaries[0], and so on."""
    if len(schedules) == 0:
        raise ValueError("Must provide at least 1 schedule to join.")
    if len(schedules) != len(boundaries) + 1:
        raise ValueError(f"Received {len(boundaries)} boundaries but expected {len(schedules) - 1}.")

    def schedule(step):
        value = schedules[0](step)
        for boundary, following in zip(boundaries, schedules[1:]):
            value = mx.where(step < boundary, value, following(step - boundary))
        return value

    return schedule


def linear_schedule(init: float, end: float, steps: int) -> Callable:
    """From init to end by equal parts, in so many steps; then end."""
    _require_positive("steps", steps)
    return lambda step: mx.minimum(step, steps) * ((end - init) / steps) + init
