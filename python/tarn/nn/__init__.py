"""Neural networks: layers, losses, initial values, gradients of models."""

from tarn.nn.layers import *
from tarn.nn import init as init, losses as losses, utils as utils
from tarn.nn.utils import average_gradients as average_gradients, value_and_grad as value_and_grad
