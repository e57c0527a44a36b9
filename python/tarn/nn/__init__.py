"""Neural networks: layers, losses, initial values, gradients of models."""

from tarn.nn.layers import *
from tarn.nn import init, losses, utils
from tarn.nn.utils import average_gradients, value_and_grad
