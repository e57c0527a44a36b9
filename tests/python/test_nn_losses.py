"""Losses, activation functions and initial values against mlx's."""

import pytest
from nn_sides import MLX, TARN, check_program

SETUP = """
x, y, z = numbers(4, 5), numbers(4, 5, seed=1), numbers(4, 5, seed=2)
p, q = mx.softmax(x, -1), mx.softmax(y, -1)
v = mx.abs(z) + 0.1
sign = mx.where(z > 0, 1, -1)
c = mx.array([0, 2, 4, 1])
w, bits = mx.abs(numbers(4, seed=3)), (z > 0).astype(mx.float32)
L = nn.losses
"""

LOSSES = """
L.cross_entropy(x, c)
L.cross_entropy(x, c, weights=w, reduction='mean')
L.cross_entropy(x, c, label_smoothing=0.2, reduction='sum')
L.cross_entropy(x, q, label_smoothing=0.2)
L.cross_entropy(x, q)
L.cross_entropy(x, mx.array([0, 1, 2, 3, 0]), axis=0)
L.cross_entropy(x.reshape(2, 2, 5), c.reshape(2, 2), axis=-1, reduction='mean')
L.cross_entropy(x.astype(mx.float16), c)
L.binary_cross_entropy(x, bits)
L.binary_cross_entropy(x, bits, weights=v, reduction='none')
L.binary_cross_entropy(p, bits, with_logits=False, reduction='none')
L.binary_cross_entropy(mx.array([0.0, 1.0]), mx.array([1.0, 1.0]), with_logits=False, reduction='none')
L.l1_loss(x, y)
L.l1_loss(x, y, 'none')
L.mse_loss(x, y)
L.mse_loss(x, y, reduction='sum')
L.nll_loss(mx.log(p), c)
L.nll_loss(mx.log(p), c, reduction='mean')
L.gaussian_nll_loss(x, y, v)
L.gaussian_nll_loss(x, y, z, full=True, reduction='none')
L.kl_div_loss(mx.log(p), mx.log(q))
L.kl_div_loss(mx.log(p), mx.log(q), axis=0, reduction='mean')
L.smooth_l1_loss(x, y)
L.smooth_l1_loss(x, y, beta=0.3, reduction='none')
L.triplet_loss(x, y, z)
L.triplet_loss(x, y, z, axis=0, margin=0.2, reduction='mean')
L.hinge_loss(x, sign)
L.huber_loss(x, y)
L.huber_loss(x, y, delta=0.3, reduction='mean')
L.log_cosh_loss(x, y)
L.log_cosh_loss(x * 100, y, reduction='sum')
L.cosine_similarity_loss(x, y)
L.cosine_similarity_loss(x, y, axis=0, reduction='mean')
L.cosine_similarity_loss(x * 0, y)
L.margin_ranking_loss(x, y, sign)
L.margin_ranking_loss(x, y, sign, margin=0.5, reduction='mean')
"""

REFUSED = """
L.cross_entropy(x, mx.array([0, 1, 2]))
L.cross_entropy(x, mx.ones((3, 3)))
L.cross_entropy(x, c, label_smoothing=1.5)
L.cross_entropy(x, c, label_smoothing=-0.1)
L.cross_entropy(x, c, reduction='zz')
L.cross_entropy(x, c, weights=mx.ones(3))
L.mse_loss(x, c)
L.l1_loss(x, c)
L.smooth_l1_loss(x, c)
L.gaussian_nll_loss(x, c, c)
L.gaussian_nll_loss(x, x, c)
L.binary_cross_entropy(x, c)
L.binary_cross_entropy(x, x, weights=mx.ones(7))
L.margin_ranking_loss(x, x, c)
nn.init.glorot_normal()(mx.zeros((3,)))
nn.init.he_uniform()(mx.zeros((3,)))
nn.init.he_normal()(mx.zeros((3, 3)), mode='zz')
nn.init.identity()(mx.zeros((2, 3)))
nn.init.sparse(0.5)(mx.zeros((2,)))
nn.init.orthogonal()(mx.zeros((2, 2, 2)))
"""

ACTIVATIONS = """celu elu gelu gelu_approx gelu_fast_approx glu hard_shrink hard_tanh hardswish leaky_relu log_sigmoid
log_softmax mish relu relu2 relu6 selu sigmoid silu softmax softmin softplus softshrink softsign step tanh""".split()

INITIAL = """
nn.init.constant(0.5)(a)
nn.init.constant(3, mx.int32)(a)
nn.init.normal()(a)
nn.init.normal(1.0, 2.0, mx.float16)(a)
nn.init.uniform()(a)
nn.init.uniform(-1, 3)(a)
nn.init.identity(mx.int32)(mx.zeros((3, 3)))
nn.init.glorot_normal()(a, gain=2.0)
nn.init.glorot_uniform()(mx.zeros((2, 3, 4)))
nn.init.he_normal()(mx.zeros((2, 3, 4)), mode='fan_out')
nn.init.he_uniform()(a, 'fan_in', 3.0)
nn.init.sparse(0.3, 1.0, 2.0)(a)
nn.init.sparse(0.5, dtype=mx.float16)(a)
nn.init.orthogonal()(a)
nn.init.orthogonal(2.0)(mx.zeros((6, 3)))
nn.Sequential(nn.Linear(4, 3)).apply(nn.init.uniform()).parameters()
"""


def lines(text):
    return text.strip().split("\n")


@pytest.mark.parametrize("loss", lines(LOSSES))
def test_losses(loss):
    check_program(SETUP + loss, 1e-3 if "float16" in loss else 1e-5)


@pytest.mark.parametrize("loss", [loss for loss in lines(LOSSES) if "float16" not in loss and "x * 0" not in loss])
def test_gradients_of_losses(loss):
    """At weights the same for each loss's elements; of x and of y where it takes them."""
    body = loss.replace("x", "a", 1) if loss.startswith("L.cross") or "(x" in loss else loss
    check_program(SETUP + f"mx.grad(lambda a: ({body}).sum())(x)", 2e-5)


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activation_functions(name):
    check_program(f"x = numbers(4, 6, scale=3)\n(nn.{name}(x), mx.grad(lambda x: (nn.{name}(x) * 1.0).sum())(x))", 2e-5)
    check_program(f"nn.{name}(mx.array([[1, -1], [0, 2]]))")
    check_program(f"nn.{name}(numbers(4, 6, scale=3, dtype='float16'))", 4e-3)


def test_activation_functions_with_arguments():
    for call in """celu(x, 0.5); elu(x, 2.0); glu(x, 0); hard_shrink(x, 0.1); hard_tanh(x, -0.2, 0.4);
    leaky_relu(x, 0.2);
    log_softmax(x, 0); prelu(x, mx.array(0.1)); softmax(x, 0); softmin(x, axis=0); softshrink(x, 0.1);
    step(x, 0.5)""".split(";"):
        check_program(f"x = numbers(4, 6)\nnn.{call.strip()}")


@pytest.mark.parametrize("call", lines(INITIAL))
def test_initial_values(call):
    check_program(f"mx.random.seed(4)\na = mx.zeros((3, 6))\n({call}, mx.random.uniform())")


@pytest.mark.parametrize("program", lines(REFUSED))
def test_refused_with_the_same_words(program):
    outcome = MLX.outcome(SETUP + program)
    assert outcome[0] == "ValueError", outcome
    assert TARN.outcome(SETUP + program) == outcome


def test_nan_stays_visible():
    assert TARN.nn.losses.mse_loss(TARN.array([float("nan")]), TARN.array([1.0])).item() != 0
    assert str(TARN.nn.losses.cross_entropy(TARN.array([[float("nan"), 1.0]]), TARN.mx.array([0])).item()) == "nan"


@pytest.mark.parametrize("axis", ["(2,)", "[2]", "1.0", "None", "9", "-4", "0"])
def test_an_axis_that_is_none(axis):
    """An error of the same kind as with mlx."""
    program = f"nn.losses.cross_entropy(mx.zeros((2, 3, 4)), mx.zeros((2, 3), mx.int32), axis={axis})"
    assert TARN.outcome(program)[0] == MLX.outcome(program)[0]
