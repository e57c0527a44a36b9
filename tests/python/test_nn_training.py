"""Twenty training steps of small models of each kind on both sides: the same losses, parameters and states."""

import pytest
from nn_sides import MLX, TARN, check_close, check_program

MODELS = {
    "perceptron": (
        "nn.Sequential(nn.Linear(6, 16), nn.ReLU(), nn.Linear(16, 3))",
        (8, 6),
        "optim.SGD(0.1, momentum=0.9)",
    ),
    "convolutional": (
        "nn.Sequential(nn.Conv2d(1, 4, 3, padding=1, bias=False), nn.BatchNorm(4), nn.ReLU(), nn.MaxPool2d(2), "
        "nn.Conv2d(4, 6, 3), nn.GELU(), nn.AvgPool2d(2), lambda x: x.flatten(1), nn.Dropout(0.2), nn.Linear(6, 3))",
        (4, 8, 8, 1),
        "optim.Adam(0.01)",
    ),
    "transformer": (
        "nn.Sequential(nn.Linear(5, 8), lambda x: x + nn.SinusoidalPositionalEncoding(8)(mx.arange(4)), Masked(), "
        "lambda x: x[:, -1], nn.Linear(8, 3))",
        (4, 4, 5),
        "optim.AdamW(optim.cosine_decay(0.01, 15))",
    ),
    "recurrent": (
        "nn.Sequential(nn.GRU(5, 6), nn.LayerNorm(6), nn.RNN(6, 6), lambda x: x[:, -1], nn.Linear(6, 3))",
        (4, 4, 5),
        "optim.RMSprop(0.01)",
    ),
    "grouped": (
        "nn.Sequential(nn.Conv1d(4, 8, 3, groups=2), nn.GroupNorm(2, 8), nn.SiLU(), lambda x: x.mean(1), "
        "nn.Linear(8, 3))",
        (4, 9, 4),
        "optim.Lion(0.01, weight_decay=0.1)",
    ),
    "frozen half": (
        "nn.Sequential(nn.Linear(6, 16).freeze(), nn.Tanh(), nn.Linear(16, 3).freeze(keys='bias'))",
        (8, 6),
        "optim.Adafactor()",
    ),
    "over a quantized base": (
        "nn.Sequential(nn.Linear(6, 64), nn.QuantizedLinear(64, 32), nn.Mish(), nn.Linear(32, 3))",
        (8, 6),
        "optim.AdamW(0.01, bias_correction=True)",
    ),
    "two optimizers": (
        "nn.Sequential(nn.Linear(6, 16), nn.Softplus(), nn.Linear(16, 3))",
        (8, 6),
        "optim.MultiOptimizer([optim.Muon(0.02), optim.SGD(0.1)], [lambda name, w: w.ndim > 1])",
    ),
}

TRAIN = """
class Masked(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.TransformerEncoder(1, 8, 2, dropout=0.1, checkpoint=True)
    def __call__(self, x):
        return self.encoder(x, nn.MultiHeadAttention.create_additive_causal_mask(x.shape[1]))
mx.random.seed(7)
model = {model}
optimizer = {optimizer}
def loss(x, y):
    return nn.losses.cross_entropy(model(x), y, reduction='mean')
step = nn.value_and_grad(model, loss)
losses = []
for i in range(20):
    value, gradients = step(numbers(*{shape}, seed=i), mx.arange({shape}[0]) % 3)
    gradients, _ = optim.clip_grad_norm(gradients, 5.0)
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state, value)
    losses.append(value)
(losses, model.parameters(), optimizer.state, model.eval()(numbers(*{shape})))
"""


@pytest.mark.parametrize("name", MODELS)
def test_twenty_steps(name):
    model, shape, optimizer = MODELS[name]
    program = TRAIN.format(model=model, shape=shape, optimizer=optimizer)
    outcome = MLX.outcome(program)
    assert not isinstance(outcome[0], str), outcome
    check_close(TARN.outcome(program), outcome, 2e-4, name)


def test_value_and_grad():
    check_program(
        """
m = nn.Linear(3, 2)
m.load_weights([('weight', numbers(2, 3)), ('bias', numbers(2))])
x = numbers(4, 3, seed=1)
plain = nn.value_and_grad(m, lambda x: m(x).sum())
extra = nn.value_and_grad(m, lambda x, scale=1: ((m(x) * scale).square().sum(), m(x), 'more'))
m2 = nn.Linear(3, 2).freeze(keys='bias')
(plain(x), extra(x, scale=3), plain.__name__, nn.value_and_grad(m2, lambda x: m2(x).sum())(x)[1].keys(), m(x))
"""
    )


def test_checkpoint_gives_the_same_gradients():
    check_program(
        """
mx.random.seed(1)
m = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2))
x = numbers(5, 3)
again = nn.utils.checkpoint(m)
part = nn.utils.checkpoint(m, lambda x, k: m(x) * k)
loss = lambda x: again(x).square().sum() + part(x, 2.0).sum()
(nn.value_and_grad(m, loss)(x), mx.grad(loss)(x), again(x))
""",
        2e-5,
    )


def test_a_model_unfrozen_whole_keeps_learning_averages():
    """Module.unfreeze of a model makes the running averages of BatchNorm parameters with a gradient, as in mlx."""
    check_program(
        """
m = nn.Sequential(nn.BatchNorm(2)).unfreeze()
o = optim.SGD(0.1)
for i in range(3):
    o.update(m, nn.value_and_grad(m, lambda x: m(x).square().sum())(numbers(6, 2, seed=i))[1])

(m.parameters(), m.trainable_parameters())
"""
    )


def test_steps_hold_no_more_and_more_memory():
    nn, mx, optim = TARN.nn, TARN.mx, TARN.optim
    model, optimizer = nn.TransformerEncoder(2, 16, 2, checkpoint=True), optim.Adam(1e-3)
    step = nn.value_and_grad(model, lambda x: model(x, None).square().mean())
    held = []
    for i in range(30):
        optimizer.update(model, step(TARN.numbers(2, 4, 16, seed=i))[1])
        mx.eval(model.parameters(), optimizer.state)
        held.append(mx.get_active_memory())
    assert held[-1] <= held[4] + 4096, held


def test_a_nan_loss_is_seen():
    nn, mx = TARN.nn, TARN.mx
    model = nn.Linear(2, 1)
    value, gradients = nn.value_and_grad(model, lambda x: model(x).sum())(mx.array([[float("nan"), 1.0]]))
    assert mx.isnan(value).item() and mx.isnan(gradients["weight"]).any().item()
