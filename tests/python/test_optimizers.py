"""Optimizers and schedules against mlx's: twenty steps over a tree of parameters, states, errors; states that go
from one package to the other."""

import numpy
import pytest
from nn_sides import MLX, TARN, check_close, check_program

OPTIMIZERS = """
optim.SGD(0.1)
optim.SGD(0.1, weight_decay=0.2)
optim.SGD(0.1, momentum=0.9)
optim.SGD(0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)
optim.SGD(0.1, momentum=0.9, nesterov=True)
optim.RMSprop(0.1)
optim.RMSprop(0.1, alpha=0.5, eps=1e-3)
optim.Adagrad(0.1)
optim.AdaDelta(0.5)
optim.AdaDelta(0.5, rho=0.5, eps=1e-3)
optim.Adam(0.1)
optim.Adam(0.1, betas=[0.5, 0.7], eps=1e-3)
optim.Adam(0.1, bias_correction=True)
optim.AdamW(0.1)
optim.AdamW(0.1, bias_correction=True, weight_decay=0.3)
optim.Adamax(0.1)
optim.Lion(0.1)
optim.Lion(0.1, weight_decay=0.2)
optim.Adafactor()
optim.Adafactor(0.1, beta_1=0.9, relative_step=False)
optim.Adafactor(0.1, weight_decay=0.1, relative_step=False, scale_parameter=False)
optim.Adafactor(warmup_init=True, clip_threshold=0.5, decay_rate=-0.5)
optim.Muon(0.1)
optim.Muon(0.1, nesterov=False, weight_decay=0, ns_steps=3, momentum=0.5)
optim.Adam(optim.cosine_decay(0.1, 10))
optim.SGD(optim.join_schedules([optim.linear_schedule(0, 0.1, 5), optim.exponential_decay(0.1, 0.9)], [5]))
optim.AdamW(optim.step_decay(0.1, 0.5, 3))
optim.RMSprop(lambda step: 0.1 / (step + 1))
optim.MultiOptimizer([optim.SGD(0.1, momentum=0.9), optim.Lion(0.01), optim.Adam(0.01)], [is_b, is_large])
optim.MultiOptimizer([optim.Adafactor()])
"""

STEPS = """
is_b = lambda name, x: 'b' in name
is_large = lambda name, x: x.ndim > 2
optimizer = {optimizer}
shapes = {{'w': (5, 3), 'b': (3,), 'l': [(2, 3, 2, 4), {{'s': ()}}], 't': (3, 7)}}
tree = lambda seed: utils.tree_map(lambda shape: numbers(*shape, seed=seed, dtype='{dtype}'), shapes, is_leaf=is_shape)
parameters = tree(0)
for step in range({steps}):
    parameters = optimizer.apply_gradients(tree(step + 1), parameters)
    mx.eval(parameters, optimizer.state)

(parameters, optimizer.state)
"""


def lines(text):
    return text.strip().split("\n")


def is_shape(x):
    return isinstance(x, tuple)


@pytest.mark.parametrize("dtype, relative", [("float32", 2e-6), ("bfloat16", 3e-2)])
@pytest.mark.parametrize("optimizer", lines(OPTIMIZERS))
def test_twenty_steps(optimizer, dtype, relative):
    program = STEPS.format(optimizer=optimizer, dtype=dtype, steps=20)
    outcome = MLX.outcome(program, is_shape=is_shape)
    assert not isinstance(outcome[0], str), outcome
    check_close(TARN.outcome(program, is_shape=is_shape), outcome, relative, optimizer)


SCHEDULES = """
optim.exponential_decay(0.1, 0.9)
optim.step_decay(0.1, 0.9, 3)
optim.cosine_decay(0.1, 10)
optim.cosine_decay(0.1, 10, 0.05)
optim.linear_schedule(0.0, 0.1, 10)
optim.linear_schedule(0.1, 0, 10)
optim.join_schedules([optim.linear_schedule(0, 0.1, 4), optim.cosine_decay(0.1, 10)], [5])
optim.join_schedules([lambda s: 1, lambda s: 2, lambda s: s], [1, 3])
"""


@pytest.mark.parametrize("schedule", lines(SCHEDULES))
def test_schedules(schedule):
    check_program(f"s = {schedule}\n[s(mx.array(i)) for i in (0, 1, 3, 4, 5, 7, 12)]")
    check_program(f"s = {schedule}\n[s(mx.array(i, mx.uint64)) for i in (0, 1, 3, 4, 5, 7, 12)]")
    check_program(f"s = {schedule}\n[s(i) for i in (0, 1, 3, 4, 5, 7, 12)]")


STATES = """
optim.SGD(0.1).state
optim.Adam(lambda s: 0.1 / (s + 1)).state
optim.Optimizer().state
optim.MultiOptimizer([optim.SGD(0.1)]).state
vars(optim.AdamW(0.1))
vars(optim.Adafactor())
vars(optim.Muon(0.1))
vars(optim.SGD(0.1, momentum=0.9)).keys()
o.init(p) or o.state
o.update({}, {}) or o.step
o.apply_gradients({'a': mx.ones(2)}, p)
o.apply_gradients({'a': mx.ones(2)}, p) and o.state
setattr(o, 'learning_rate', 0.5) or (o.learning_rate, o.state)
setattr(o, 'learning_rate', mx.array(0.25)) or o.learning_rate
setattr(o, 'state', {'a': 1}) or (o.state, o._initialized)
o.init(p) or o.init({'a': mx.ones(2), 'c': mx.ones(1)}) or o.state
optim.Adam(0.1).apply_single(mx.ones(2), mx.ones(2), {'m': mx.zeros(2), 'v': mx.zeros(2)})
optim.clip_grad_norm({'a': mx.array([2.0, 3.0]), 'b': [mx.array([1.0])]}, 2.0)
optim.clip_grad_norm({'a': mx.array([0.1])}, 2.0)
optim.clip_grad_norm({}, 2.0)
optim.clip_grad_norm({'a': mx.array([3.0], mx.float16)}, 2.0)
nn.utils.clip_grad_norm_sharded({'a': mx.array([3.0, 4.0])}, 1.0)
nn.average_gradients({'a': mx.array([3.0, 4.0])})
o.apply_gradients({'a': mx.ones(2, mx.float16)}, {'a': mx.ones(2, mx.float16)})
setattr(many, 'learning_rate', 0.5) or (many.learning_rate, many.state)
many.init(p) or many.state
many.apply_gradients({}, p)
many.apply_gradients({'a': mx.ones(2)}, p) and many.state
many.apply_gradients({'b': [mx.ones((2, 3))]}, p) and many.state
many.init({'a': mx.ones(2)}) or many.state
optim.MultiOptimizer([optim.SGD(0.1)]).apply_gradients({'0': mx.ones(2), '1': mx.ones(2)}, {'0': mx.ones(2), '1': mx.ones(2)})
optim.Muon(0.1).apply_gradients({'a': mx.zeros((0, 3))}, {'a': mx.zeros((0, 3))})
setattr(many, 'state', {'states': [{}, {}]}) or many.state
"""

SETUP = """
p = {'a': mx.ones(2), 'b': [mx.ones((2, 3)), {'c': mx.ones(1, mx.float16)}]}
o = optim.Adam(0.1)
many = optim.MultiOptimizer([optim.SGD(0.1, momentum=0.9), optim.Adam(0.2)], [lambda n, w: 'b' in n])
"""


@pytest.mark.parametrize("program", lines(STATES))
def test_states(program):
    check_program(SETUP + program)


REFUSED = """
optim.SGD(0.1, nesterov=True)
optim.SGD(0.1, nesterov=True, momentum=0.9, dampening=0.1)
optim.RMSprop(0.1, alpha=-1)
optim.RMSprop(0.1, eps=-1)
optim.Adagrad(0.1, eps=-1)
optim.AdaDelta(0.1, rho=-1)
optim.AdaDelta(0.1, eps=-1)
optim.Adam(0.1, eps=-1)
optim.Adam(0.1, betas=[1, 2])
optim.Adam(0.1, betas=[0, -2])
optim.Adamax(0.1, eps=-1)
optim.Lion(0.1, betas=[2, 3])
optim.MultiOptimizer([optim.SGD(0.1), optim.Adam(0.1)])
setattr(many, 'state', {})
setattr(many, 'state', {'states': [{}]})
optim.linear_schedule(0.0, 0.1, 0)
optim.cosine_decay(0.1, -1)
optim.step_decay(0.1, 0.9, 0)
optim.join_schedules([], [])
optim.join_schedules([lambda s: 1], [1])
optim.clip_grad_norm({'a': mx.ones(2)}, -1)
"""


@pytest.mark.parametrize("program", lines(REFUSED))
def test_refused_with_the_same_words(program):
    outcome = MLX.outcome(SETUP + program)
    assert outcome[0] == "ValueError", outcome
    assert TARN.outcome(SETUP + program) == outcome


@pytest.mark.parametrize("schedules", ["None, None", "None, [1]", "[lambda s: 1], None", "5, [1]"])
def test_joined_schedules_are_lists(schedules):
    program = f"optim.join_schedules({schedules})"
    assert TARN.outcome(program) == MLX.outcome(program)


def train(side, optimizer, model, steps, first=0):
    """The parameters after so many steps of a small regression."""
    loss = lambda x, y: side.nn.losses.mse_loss(model(x), y)
    for step in range(first, first + steps):
        x, y = side.numbers(8, 4, seed=step), side.numbers(8, 2, seed=100 + step)
        optimizer.update(model, side.nn.value_and_grad(model, loss)(x, y)[1])
        side.mx.eval(model.parameters(), optimizer.state)
    return side.plain(model.parameters())


def model_of(side):
    side.mx.random.seed(3)
    return side.nn.Sequential(side.nn.Linear(4, 6), side.nn.Tanh(), side.nn.Linear(6, 2))


@pytest.mark.parametrize(
    "name", ["SGD(0.1, momentum=0.9)", "Adam(0.01)", "AdamW(0.01, bias_correction=True)", "Adafactor()", "Muon(0.01)"]
)
def test_a_state_goes_to_mlx_and_back(tmp_path, name):
    """Five steps in one package, its weights and state saved, five more in the other: as ten in one."""
    whole = {side: train(side, eval(f"optim.{name}", side.names), model_of(side), 10) for side in (MLX, TARN)}
    for first, second in ((MLX, TARN), (TARN, MLX)):
        model, optimizer = model_of(first), eval(f"optim.{name}", first.names)
        train(first, optimizer, model, 5)
        model.save_weights(str(tmp_path / "w.safetensors"))
        state = first.utils.tree_flatten(optimizer.state, destination={})
        first.mx.save_safetensors(str(tmp_path / "o.safetensors"), state)
        model, optimizer = model_of(second), eval(f"optim.{name}", second.names)
        model.load_weights(str(tmp_path / "w.safetensors"))
        optimizer.state = second.utils.tree_unflatten(second.mx.load(str(tmp_path / "o.safetensors")))
        check_close(train(second, optimizer, model, 5, first=5), whole[second], 1e-5, name)


def test_a_gradient_without_a_parameter_is_named():
    with pytest.raises(KeyError, match="c"):
        TARN.optim.SGD(0.1).apply_gradients({"c": TARN.mx.ones(2)}, {"a": TARN.mx.ones(2)})


def test_a_parameter_that_comes_later_is_named():
    optimizer = TARN.optim.Adam(0.1)
    optimizer.init({"a": TARN.mx.ones(2)})
    with pytest.raises(KeyError, match="c"):
        optimizer.apply_gradients({"c": TARN.mx.ones(2)}, {"c": TARN.mx.ones(2)})


def test_an_optimizer_of_ones_own():
    class Halving(TARN.optim.Optimizer):
        def init_single(self, parameter, state):
            state["count"] = TARN.mx.array(0)

        def apply_single(self, gradient, parameter, state):
            state["count"] = state["count"] + 1
            return parameter / 2

    optimizer = Halving()
    optimizer.apply_gradients({"a": TARN.mx.ones(2)}, {"a": TARN.mx.ones(2)})
    assert optimizer.apply_gradients({"a": TARN.mx.ones(2)}, {"a": TARN.mx.ones(2)})["a"].tolist() == [0.5, 0.5]
    assert optimizer.state["a"]["count"].item() == 2 and optimizer.step.item() == 2
    assert numpy.array(optimizer.state["step"]).dtype == numpy.uint64
