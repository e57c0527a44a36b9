"""Optimizers, which update a model by gradients, and schedules of their learning rates."""

from tarn.optimizers.optimizers import *
from tarn.optimizers.schedulers import *
