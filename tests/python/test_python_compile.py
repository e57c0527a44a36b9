"""compile: each snippet gives the same on mlx and on Tarn, and calls its function as often."""

import functools
import gc
import weakref
from collections import OrderedDict, namedtuple

import pytest

tarn = pytest.importorskip("tarn.core")
Pair = namedtuple("Pair", "first second")


def plain(tree):
    if hasattr(tree, "tolist"):
        return tree.tolist()
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    if isinstance(tree, tuple) and hasattr(tree, "_make"):
        return tree._make(plain(one) for one in tree)
    return type(tree)(plain(one) for one in tree) if isinstance(tree, (list, tuple)) else tree


def counted(mx, function, **options):
    """The function, compiled, and the list of its calls."""
    calls = []

    @functools.wraps(function)
    def call(*arguments, **named):
        calls.append(1)
        return function(*arguments, **named)

    return mx.compile(call, **options), calls


# ---- arguments and results


def trees(mx):
    f = mx.compile(lambda a, b: {"sum": a[0] + b["x"], "rest": (a[1], [b["y"]])})
    arguments = [mx.array([1.0, 2.0]), mx.array(3)], {"x": mx.array(4.0), "y": mx.array(True)}
    return f(*arguments), f(*arguments)


def named_arguments(mx):
    f, calls = counted(mx, lambda x, y=2, *, z=None: x + y if z is None else x * y + z)
    one, two = mx.array(1.0), mx.array(2.0)
    return f(one), f(one, 3), f(one, y=3), f(one, z=two), f(one, y=two, z=two), f(x=one), len(calls)


def constants(mx):
    f = mx.compile(lambda x, c: x * (2 if c is None else len(c) if isinstance(c, str) else c))
    x = mx.array([1.0, -2.0])
    given = [None, 1, 2, 2.0, 2.5, True, False, "ab", "abc", -0.0, 0.0, 2**40]
    return [f(x, c) for c in given * 2]


def structure_is_part_of_the_key(mx):
    f, calls = counted(mx, lambda tree: tree)
    a, b = mx.array(1.0), mx.array(2.0)
    given = [[a, b], (a, b), [[a], b], [a, [b]], {"a": a, "b": b}, {"b": b, "a": a}, {"a": [a, b]}, {1: a, 2: b},
             [a, None, b]]
    return [f(tree) for tree in given], [f(tree) for tree in given], len(calls)


def shapes_and_dtypes(mx):
    f, calls = counted(mx, lambda x: (x + 1).sum())
    given = [
        mx.zeros(shape, dtype) for shape in [(), (1,), (3,), (3, 1), (0,)]
        for dtype in (mx.float32, mx.int32, mx.float16)
    ]
    return [f(x) for x in given * 2], len(calls)


def results_that_are_no_arrays(mx):
    f, calls = counted(mx, lambda x: (x, None, 3, "text", [2.5, {"a": x + 1}], ()))
    return f(mx.array(1.0)), f(mx.array(5.0)), len(calls)


def nothing(mx):
    return mx.compile(lambda x: None)(mx.array(1.0)), mx.compile(lambda: mx.ones((2,)))(), mx.compile(lambda: 3)()


def one_array_twice(mx):
    f = mx.compile(lambda x, y: (x, y, x + y, x))
    a = mx.array([1.0, 2.0])
    return f(a, a), f(a, mx.array([5.0, 6.0])), a


def named_tuples(mx):
    return mx.compile(lambda p: Pair(p.second, p.first + 1))(Pair(mx.array(1.0), mx.array(2.0)))


def the_structure_follows_the_shapes(mx):
    f = mx.compile(lambda x: {"long": x} if x.shape[0] > 1 else [x, x])
    return [f(mx.ones((n,))) for n in (1, 2, 1, 2)]


def assignment_to_an_argument(mx):
    def f(x, i):
        x[i] = 5.0
        x += 1
        return x

    a = mx.zeros((3,))
    return mx.compile(f)(a, mx.array(1)), mx.compile(f)(a, 2), a


def attributes(mx):
    @functools.partial(mx.compile, shapeless=False)
    def f(x):
        "what it does"
        return x

    return f.__name__, f.__doc__


# ---- what is captured, and the state


def captured_arrays_are_constants(mx):
    y = mx.array(2.0)
    f = mx.compile(lambda x: x + y)
    before = f(mx.array(1.0))
    y = mx.array(10.0)
    return before, f(mx.array(1.0))


def captured_without_value(mx):
    y = mx.exp(mx.arange(3.0)) * 2
    f = mx.compile(lambda x: x + y)
    return f(mx.array(1.0)), f(mx.array(2.0)), y


def a_list_of_inputs(mx):
    state = [mx.array(1.0)]
    f, calls = counted(mx, lambda x: x + state[0], inputs=state)
    before = f(mx.array(1.0))
    state[0] = mx.array(7.0)
    return before, f(mx.array(1.0)), state, len(calls)


def a_list_of_outputs(mx):
    state = []

    def call(x):
        state.append(x * 2)
        return x

    f = mx.compile(call, outputs=state)
    return f(mx.array(1.0)), state


def new_names_in_the_outputs(mx):
    state = {}

    def call(x):
        state["y"] = x + 1
        return x

    f, calls = counted(mx, call, outputs=state)
    return [(f(mx.array(float(i))), plain(state)) for i in range(3)], len(calls)


def a_counter(mx):
    state = {"count": mx.array(0), "nested": [{"sum": mx.array(0.0)}, "text", None, 3]}

    def call(x):
        state["count"] = state["count"] + 1
        state["nested"][0]["sum"] += x
        return state["nested"][0]["sum"] / state["count"]

    f, calls = counted(mx, call, inputs=state, outputs=state)
    old = state["count"]
    return [f(mx.array(float(i))) for i in range(5)], state, old, len(calls)


def state_that_grows(mx):
    state = {"all": mx.zeros((1,))}

    def call(x):
        state["all"] = mx.concatenate([state["all"], x])
        return state["all"].sum()

    f, calls = counted(mx, call, inputs=state, outputs=state)
    return [f(mx.array([float(i)])) for i in range(4)], state, len(calls)


def state_made_by_the_first_call(mx):
    state = {}

    def call(x):
        state["moment"] = 0.5 * state["moment"] + x if "moment" in state else x
        return state["moment"]

    f, calls = counted(mx, call, inputs=state, outputs=state)
    return [f(mx.array(float(i))) for i in range(4)], state, len(calls)


def exchanged_state(mx):
    state = [mx.array(1.0), mx.array(2.0)]

    def call():
        state[0], state[1] = state[1], state[0]

    f = mx.compile(call, inputs=state, outputs=state)
    return [(f(), plain(state)) for _ in range(3)]


def an_array_twice_in_the_state(mx):
    shared = mx.array(1.0)
    state = {"a": shared, "b": shared}

    def call(x):
        state["a"] = state["a"] + x
        state["b"] = state["b"] * x
        return state["a"] + state["b"]

    f = mx.compile(call, inputs=state, outputs=state)
    return [f(mx.array(3.0)) for _ in range(3)], state, shared


def modules(mx):
    class Module(dict):
        def __getattr__(self, name):
            return self[name]

        def __setattr__(self, name, value):
            self[name] = value

    model = Module(weight=mx.array([1.0, 2.0]), inner=Module(bias=mx.array(0.5)), layers=[Module(scale=mx.array(3.0))])
    moments = {"weight": mx.zeros((2,))}

    def loss(x):
        return (model.layers[0].scale * (model.weight * x).sum() + model.inner.bias) ** 2

    def call(x):
        def of_weight(w):
            model.weight = w
            return loss(x)

        value, gradient = mx.value_and_grad(of_weight)(model.weight)
        moments["weight"] = 0.9 * moments["weight"] + gradient
        model.weight = model.weight - 0.001 * moments["weight"]
        model.inner.bias = model.inner.bias - 0.5
        return value

    state = [model, moments]
    f, calls = counted(mx, functools.wraps(call)(lambda x: call(x)), inputs=state, outputs=state)
    values = [f(mx.array([1.0, 1.5])) for _ in range(3)]
    return [round(v.item(), 3) for v in values], [round(v, 4)
                                                  for v in model.weight.tolist()], model.inner.bias, len(calls)


def random_state(mx):
    f = mx.compile(lambda: mx.random.uniform(shape=(2,)), inputs=mx.random.state, outputs=mx.random.state)
    mx.random.seed(3)
    compiled = f(), f()
    mx.random.seed(3)
    return compiled, mx.random.uniform(shape=(2,)), mx.random.uniform(shape=(2,))


def random_state_among_others(mx):
    state = [{"w": mx.array(1.0)}, mx.random.state]

    def call(x):
        state[0]["w"] = state[0]["w"] + mx.random.uniform()
        return state[0]["w"] * x

    f = mx.compile(call, inputs=state, outputs=state)
    mx.random.seed(5)
    return f(mx.array(2.0)), f(mx.array(2.0)), state[0]["w"], mx.random.uniform()


def undeclared_randomness_repeats(mx):
    f = mx.compile(lambda: mx.random.uniform(shape=(2,)))
    return plain(f()) == plain(f())


# ---- inside and around other transforms


def within_grad(mx):
    f = mx.compile(lambda x: mx.sin(x) * x)
    x = mx.array(3.0)
    return mx.grad(f)(x), mx.grad(mx.grad(f))(x), mx.value_and_grad(f)(x), mx.grad(lambda a: f(a) + f(2 * a))(x)


def around_grad(mx):
    x = mx.array([1.0, 2.0])
    gradient, calls = counted(mx, mx.grad(lambda a: (a**3).sum()))
    return gradient(x), gradient(x + 1), mx.compile(mx.value_and_grad(lambda a: a.sum()))(x), mx.compile(
        mx.grad(mx.compile(lambda a: (a * a).sum())))(x), len(calls)


def with_vmap(mx):
    x = mx.array([[1.0, 2.0], [3.0, 4.0]])
    return mx.vmap(mx.compile(lambda a: a.sum() * a))(x), mx.compile(mx.vmap(lambda a: a.sum() * a))(x), mx.compile(
        mx.vmap(mx.compile(mx.grad(lambda a: (a * a).sum()))))(x)


def with_products(mx):
    x = mx.array(0.5)
    f = mx.compile(lambda a: a * a * a)
    return mx.vjp(f, [x], [x]), mx.jvp(f, [x], [x]), mx.compile(lambda a: mx.jvp(f, [a], [a])[1][0])(x)


def with_checkpoint(mx):
    f = mx.checkpoint(mx.compile(lambda a: a * a * a))
    return mx.grad(f)(mx.array(2.0)), mx.compile(mx.grad(mx.checkpoint(lambda a: a * a * a)))(mx.array(2.0))


def with_custom_functions(mx):
    @mx.custom_function
    def f(x):
        return x * x

    @f.vjp
    def rule(x, cotangent, output):
        return cotangent * 100

    x = mx.array(2.0)
    return mx.compile(f)(x), mx.grad(mx.compile(f))(x), mx.compile(mx.grad(f))(x), mx.compile(mx.grad(f))(x + 1)


def nested(mx):
    inner, calls = counted(mx, lambda x: x + 1)
    outer, others = counted(mx, lambda x: inner(inner(x)) * 2)
    return outer(mx.array(1.0)), outer(mx.array(2.0)), inner(mx.array(1.0)), mx.compile(mx.compile(lambda x: x))(
        mx.array(1.0)), len(others)


def nested_with_state(mx):
    state = [mx.array(0.0)]

    def add(x):
        state[0] = state[0] + x
        return state[0]

    inner = mx.compile(add, inputs=state, outputs=state)
    outer = mx.compile(lambda x: inner(x) * 2, inputs=state, outputs=state)
    return [outer(mx.array(1.0)) for _ in range(3)], state


def arrays_inside(mx):
    f = mx.compile(lambda x: x + mx.array([1.0, 2.0]) + mx.arange(2) + mx.zeros_like(x) + mx.full((2,), 3.0))
    return f(mx.array([1.0, 2.0])), f(mx.array([3.0, 4.0]))


# ---- shapeless


def other_shapes(mx):
    f, calls = counted(mx, lambda x, y: mx.softmax(x @ y, axis=-1) * 3 - 1, shapeless=True)
    shapes = [((2, 3), (3, 4)), ((5, 2), (2, 4)), ((1, 1), (1, 1)), ((2, 3), (3, 4))]
    return [f(mx.ones(a), mx.ones(b) * 0.5) for a, b in shapes], len(calls)


def shapeless_state(mx):
    state = [mx.zeros((2,))]

    def call(x):
        state[0] = mx.concatenate([state[0], x])
        return {"twice": state[0] * 2, "n": "text"}

    f, calls = counted(mx, call, inputs=state, outputs=state, shapeless=True)
    return [f(mx.ones((n,))) for n in (1, 2, 3, 1)], state, len(calls)


def shapeless_gradient(mx):
    f = mx.compile(mx.value_and_grad(lambda x: (mx.tanh(x) ** 2).sum()), shapeless=True)
    return [f(mx.ones((n,)) / n) for n in (1, 2, 3)], mx.grad(lambda x: f(x)[0])(mx.ones((4,)))


def shapeless_reshape(mx):
    f, calls = counted(mx, lambda x: (x.reshape(2, -1), x.flatten(), x[:, None].T), shapeless=True)
    return [f(mx.arange(2 * n).reshape(n, 2)) for n in (1, 2, 3)][0], len(calls)


# ---- turned off


def disabled(mx):
    state = [mx.array(1.0)]

    def call(x):
        state[0] = state[0] + x
        return x.item()

    f, calls = counted(mx, lambda x: x + 1)
    with_state = mx.compile(call, inputs=state, outputs=state)
    mx.disable_compile()
    try:
        values = f(mx.array(1.0)), f(mx.array(1.0)), with_state(mx.array(2.0)), mx.grad(f)(mx.array(1.0))
    finally:
        mx.enable_compile()
    return values, state, f(mx.array(1.0)), f(mx.array(1.0)), len(calls)


SNIPPETS = [
    trees, named_arguments, constants, structure_is_part_of_the_key, shapes_and_dtypes, results_that_are_no_arrays,
    nothing, one_array_twice, named_tuples, the_structure_follows_the_shapes, assignment_to_an_argument, attributes,
    captured_arrays_are_constants, captured_without_value, a_list_of_inputs, a_list_of_outputs,
    new_names_in_the_outputs, a_counter, state_that_grows, state_made_by_the_first_call, exchanged_state,
    an_array_twice_in_the_state, modules, random_state, random_state_among_others, undeclared_randomness_repeats,
    within_grad, around_grad, with_vmap, with_products, with_checkpoint, with_custom_functions, nested,
    nested_with_state, arrays_inside, other_shapes, shapeless_state, shapeless_gradient, shapeless_reshape, disabled,
]  # fmt: skip


@pytest.mark.parametrize("snippet", SNIPPETS, ids=lambda s: s.__name__)
def test_as_mlx(snippet):
    mlx = pytest.importorskip("mlx.core")
    mlx.enable_compile()  # nn_sides.py turns it off
    assert same(plain(snippet(tarn)), plain(snippet(mlx)))


def same(a, b):
    assert type(a) is type(b), (a, b)
    if isinstance(a, dict):
        assert list(a) == list(b)
        return all(same(a[key], b[key]) for key in a)
    if isinstance(a, (list, tuple)):
        assert len(a) == len(b), (a, b)
        return all(same(x, y) for x, y in zip(a, b))
    assert a == (pytest.approx(b, rel=1e-5) if isinstance(b, float) else b)
    return True


def test_values_and_structures_have_keys_of_their_own():
    a, b = tarn.array(1.0), tarn.array(2.0)
    f, calls = counted(tarn, lambda given: given)
    given = [
        1, True, 1.0, 0, False, 0.0, -0.0, None, "1", 2 ** 70, 2 ** 70 + 1,
        float("nan"), [[], a, b], [[a], b], [a, b, []], [a, [b]], [], {}, [None], {"a": a}, {"b": a}
    ]
    for tree in given * 2:
        assert repr(plain(f(tree))) == repr(plain(tree))
    assert len(calls) == len(given)


def test_shapeless_traces_again_for_other_dtypes_and_numbers_of_axes():
    f, calls = counted(tarn, lambda x: (x * 2).sum(-1), shapeless=True)
    given = [((2, 3), tarn.float32), ((3, 2), tarn.float32), ((3, 2, 4), tarn.float32), ((4,), tarn.float32),
             ((2, 3), tarn.int32), ((7, 1), tarn.int32), ((7, 1, 0), tarn.float32)]
    for shape, dtype in given:
        assert plain(f(tarn.ones(shape, dtype))) == plain((tarn.ones(shape, dtype) * 2).sum(-1))
    assert len(calls) == 4


def last_column(x):
    x[:, -1] = 7.0
    return x.at[-1:, ::2].add(1.0)


WITH_SIZES = [
    lambda x: x.reshape(x.shape[0] * x.shape[1]), lambda x: x * len(x), lambda x: x / x.size,
    lambda x: sum(row for row in x), lambda x: tarn.zeros(x.shape) + x, lambda x: tarn.full_like(x, 2.0),
    lambda x: tarn.random.permutation(x, key=tarn.random.key(3)), last_column, lambda x: x * x.nbytes,
]  # fmt: skip
WITHOUT_SIZES = [
    lambda x: x[:-1] - x[-1], lambda x: x[..., -2:][::-1], lambda x: x[tarn.array([0, -1])],
    lambda x: x.at[:-1].add(1.0), lambda x: tarn.mean(x, 0) + tarn.var(x, 1, keepdims=True),
    lambda x: tarn.split(x, 2, axis=1)[1], lambda x: tarn.pad(x, 1), lambda x: tarn.tile(x, (2, 1)),
    lambda x: tarn.roll(x, 1), lambda x: tarn.cumsum(x), lambda x: tarn.argmax(x, -1),
    lambda x: tarn.sort(x, axis=None), lambda x: tarn.take_along_axis(x, tarn.argsort(x, 0), 0),
    lambda x: tarn.einsum("ij,kj->ik", x, x), lambda x: tarn.ones_like(x) * 3,
    lambda x: tarn.fft.irfft(tarn.fft.rfft(x)), lambda x: tarn.meshgrid(x[0], x[:, 0])[0], lambda x: tarn.tril(x),
    lambda x: tarn.repeat(x, 2, axis=0), lambda x: x.flatten()[None].squeeze(0),
    lambda x: tarn.random.categorical(x, key=tarn.random.key(1)), lambda x: tarn.fast.rms_norm(x, None, 1e-5),
    lambda x: tarn.unflatten(x, 1, (2, -1)),
]  # fmt: skip


@pytest.mark.parametrize("function", WITH_SIZES + WITHOUT_SIZES)
def test_shapeless_is_right_whatever_the_function_says(function):
    f, calls = counted(tarn, function, shapeless=True)
    for shape in [(2, 4), (4, 8), (8, 4), (3, 2)]:
        x = tarn.random.normal(shape, key=tarn.random.key(7))
        assert plain(f(x + 0)) == plain(function(x + 0))
    assert len(calls) == (4 if function in WITH_SIZES else 1)


def test_shapeless_with_transforms_inside():
    f = tarn.compile(tarn.grad(lambda x: tarn.mean(tarn.pad(x, 1)[1:] ** 2)), shapeless=True)
    g = tarn.compile(tarn.vmap(lambda r: (r[:-1] * r[1:]).reshape(-1)), shapeless=True)
    for shape in [(2, 3), (5, 4), (1, 7), (2, 3)]:
        x = tarn.arange(float(shape[0] * shape[1])).reshape(shape)
        assert plain(f(x)) == plain(tarn.grad(lambda a: tarn.mean(tarn.pad(a, 1)[1:] ** 2))(x))
        assert plain(g(x)) == plain(x[:, :-1] * x[:, 1:])


# ---- what is refused


def refusals(mx):
    x = mx.array([1.0, -1.0])
    compiled = mx.compile(lambda *arguments: x)
    return {
        "not a function": lambda: mx.compile(3),
        "an object": lambda: compiled(object()),
        "an object in a tree": lambda: compiled([{"a": {1, 2}}]),
        "a dtype": lambda: compiled(mx.int32),
        "a complex number": lambda: compiled(1j),
        "eval": lambda: mx.compile(lambda a: mx.eval(a))(x),
        "item": lambda: mx.compile(lambda a: a[0].item())(x),
        "print": lambda: mx.compile(lambda a: repr(a))(x),
        "truth": lambda: mx.compile(lambda a: a if a.sum() > 0 else -a)(x),
        "a mask": lambda: mx.compile(lambda a: a[a > 0])(x),
        "its own failure": lambda: mx.compile(lambda a: 1 / 0)(x),
        "too many arguments": lambda: mx.compile(lambda a: a)(x, x),
    }


@pytest.mark.parametrize("name", list(refusals(tarn)))
def test_refused_as_by_mlx(name):
    mlx = pytest.importorskip("mlx.core")
    with pytest.raises(Exception) as theirs:
        refusals(mlx)[name]()
    with pytest.raises(theirs.type):
        refusals(tarn)[name]()


def test_failing_leaves_the_state_as_it_was():
    state = {"a": tarn.array(1.0), "b": [tarn.array(2.0), tarn.array(3.0)]}
    before = state["a"]

    def call(x):
        state["a"] = state["a"] + x
        state["b"][1] += x
        del state["b"][0]
        raise ValueError("no")

    f = tarn.compile(call, inputs=state, outputs=state)
    with pytest.raises(ValueError, match="no"):
        f(tarn.array(1.0))
    assert state["a"] is before and plain(state) == {"a": 1, "b": [2, 3]}


SIZE = 1 << 16


class Module(dict):
    """Attributes are entries."""

    def __getattr__(self, name):
        if name in self:
            return self[name]
        raise AttributeError(name)

    def __setattr__(self, name, value):
        self[name] = value


def in_a_list():
    state = [tarn.zeros(SIZE), [tarn.ones(SIZE)]]

    def call(x):
        state[0], state[1][0] = tarn.cumsum(state[0] + x), state[0] * 2
        state.append(tarn.ones(SIZE) * 3)
        return state[0] + 1

    return state, state, call


def in_a_dict():
    state = {"a": tarn.zeros(SIZE), "b": {"c": tarn.ones(SIZE)}, "step": 3}

    def call(x):
        state["a"] += tarn.cumsum(x)
        state["new"] = state["b"].pop("c") * 2
        state["step"] += 1
        return state["a"] + 1

    return state, state, call


def in_modules():
    model = Module(weight=tarn.zeros(SIZE), inner=Module(bias=tarn.ones(SIZE)), layers=[Module(w=tarn.ones(SIZE))])

    def call(x):
        model.weight = tarn.cumsum(model.weight + x)
        model.layers[0].w -= model.inner.bias
        model.inner = Module(bias=model.weight)
        return model.weight + 1

    return [model], [model], call


def in_tuples():
    state = (tarn.zeros(SIZE), [tarn.ones(SIZE)], ({"a": tarn.ones(SIZE)}, ))

    def call(x):
        state[0].__iadd__(tarn.cumsum(x))
        state[1][0] = state[0] * 2
        state[2][0]["a"] += state[0]
        return state[0] + 1

    return state, state, call


def the_random_state():
    def call(x):
        return tarn.cumsum(x + tarn.random.uniform(shape=(SIZE, ))) + 1

    return tarn.random.state, tarn.random.state, call


def outputs_alone():
    state = {"a": tarn.zeros(SIZE), "t": (tarn.ones(SIZE), )}

    def call(x):
        state["a"] += tarn.cumsum(x)
        state["t"][0].__iadd__(state["a"])
        state["new"] = state["a"] + 1
        return state["a"] + 1

    return None, state, call


def inputs_alone():
    state = {"a": tarn.zeros(SIZE), "t": (tarn.ones(SIZE), )}

    def call(x):
        return tarn.cumsum(x + state["a"]) + state["t"][0]

    return state, None, call


def bits(tree):
    leaves = [tree[0]] if tree is tarn.random.state else tree
    return plain(leaves)


def without_memory(call):
    """Calls it while there is no room for a result."""
    before = tarn.set_memory_limit(tarn.get_active_memory() + SIZE), tarn.set_cache_limit(0)
    try:
        with pytest.raises(MemoryError):
            call()
    finally:
        tarn.set_memory_limit(before[0])
        tarn.set_cache_limit(before[1])


@pytest.mark.parametrize("shapeless", [False, True])
@pytest.mark.parametrize("failing", [0, 1, 2])
@pytest.mark.parametrize("make", [in_a_list, in_a_dict, in_modules, in_tuples, the_random_state, outputs_alone,
                                  inputs_alone])  # fmt: skip
def test_a_call_that_cannot_be_computed_leaves_the_state_as_it_was(make, failing, shapeless):
    tarn.random.seed(7)
    x = tarn.ones(SIZE)
    got = []
    for fails in (None, failing):
        tarn.random.seed(7)
        inputs, outputs, call = make()
        state = inputs if inputs is not None else outputs
        f = tarn.compile(call, inputs=inputs, outputs=outputs, shapeless=shapeless)
        for i in range(failing + 1):
            before = bits(state)
            tarn.eval(state, x)
            if i == fails:
                for _ in range(2):
                    without_memory(lambda: f(x))
                    assert bits(state) == before
            try:
                result = plain(f(x))
            except KeyError:  # "c" is gone
                assert call.__qualname__.startswith("in_a_dict") and i > 0 and bits(state) == before
        got.append((result, bits(state)))
    assert got[0] == got[1]


def test_a_kernel_that_fails_leaves_what_it_did_not_make():
    state = [tarn.zeros((2, 2)), tarn.ones(3)]

    def call(m):
        state[0] = tarn.linalg.inv(m)
        state[1] = state[1] + 1

    f = tarn.compile(call, inputs=state, outputs=state)
    for i in range(3):
        f(tarn.zeros((2, 2)) if i != 1 else tarn.eye(2))
        assert state[1].tolist() == [2 + i] * 3
        if i == 1:
            assert state[0].tolist() == [[1, 0], [0, 1]]
            continue
        with pytest.raises(RuntimeError, match="singular"):
            tarn.eval(state[0])


def test_what_is_taken_from_the_state_while_it_is_stored_has_its_value():
    class Name:
        """Empties the list when it is looked up, as another thread might."""

        def __hash__(self):
            if taking:
                taken.extend(state["list"])
                state["list"].clear()
            return 1

    taken, taking = [], False
    name = Name()
    state = {name: tarn.zeros(4), "list": [tarn.full(4, 10.0), tarn.full(4, 20.0)], "last": tarn.ones(4)}

    def step(x):
        state[name] = state[name] + x
        state["last"] = state["last"] + x
        state["list"][:] = [one + x for one in state["list"]]

    f = tarn.compile(step, inputs=state, outputs=state)
    f(tarn.ones(4))
    for i in range(2, 5):
        taking = True
        with pytest.raises(ValueError, match="was changed during the call"):
            f(tarn.ones(4))
        taking = False
        assert [a.tolist() for a in taken] == [[10.0 + i] * 4, [20.0 + i] * 4]
        assert state["last"].tolist() == [1 + i] * 4 and state[name].tolist() == [i] * 4
        state["list"] += taken
        taken.clear()


def test_another_thread_that_changes_the_state_loses_nothing():
    import threading

    state = {"a": tarn.zeros(64), "list": [tarn.full(64, 10.0 * i) for i in range(4)], "z": tarn.ones(64)}
    errors, done = [], threading.Event()

    def step(x):
        for _ in range(3):
            state["a"] = tarn.softmax(state["a"] + x)
        state["list"][:] = [one + x for one in state["list"]]
        for name in [name for name in state if name not in ("a", "list")]:
            state[name] = state[name] + x

    f = tarn.compile(step, inputs=state, outputs=state)

    def work():
        for _ in range(400):
            try:
                f(tarn.ones(64))
            except (ValueError, RuntimeError) as error:
                errors.append(str(error))
        done.set()

    def values(a):
        """What is taken while the function is traced stands for an array, and is none."""
        try:
            return set(a.tolist())
        except ValueError as error:
            return {0} if "being traced" in str(error) else {0.5}

    def whole(a):
        """Its elements are the same and were counted up by ones."""
        return len(values(a)) == 1 and values(a).pop() % 1 == 0

    thread = threading.Thread(target=work)
    thread.start()
    taken, count = [], 0
    while not done.is_set():
        count += 1
        taken = [*taken[-300:], state["list"].pop(), state.pop("z")]
        state["list"].insert(0, tarn.full(64, 5.0))
        state["z"] = tarn.full(64, 3.0)
        if count % 7 == 0:
            state["list"].append(tarn.full(64, 5.0))
        if count % 7 == 3:
            taken.append(state["list"].pop())
        done.wait(0.0005)
    thread.join()
    assert all(whole(a) for a in [*taken, *state["list"], state["z"]])
    assert all("changed" in error or "traced" in error for error in errors), errors
    f(tarn.ones(64))
    assert all(whole(a) for a in state["list"]) and abs(state["a"].sum().item() - 1) < 1e-3


def test_state_in_a_tuple_gets_other_values():
    state = (tarn.array(1.0),)

    def call(x):
        state[0].__iadd__(x)
        return state[0]

    f = tarn.compile(call, inputs=state, outputs=state)
    assert plain([f(tarn.array(1.0)) for _ in range(3)]) == [2, 3, 4] and state[0].item() == 4


def test_outputs_of_another_number_are_traced_anew():
    state = [tarn.array(1.0)]
    f = tarn.compile(lambda x: x, outputs=state)
    assert f(tarn.array(1.0)).item() == 1
    state.clear()
    assert f(tarn.array(2.0)).item() == 2 and state == []


def test_state_that_a_function_makes_when_it_is_missing():
    for again in (lambda state: state["m"].clear(), lambda state: None):
        state = {"w": tarn.zeros(2), "m": {}}

        def step(x):
            if "v" not in state["m"]:
                state["m"]["v"] = tarn.zeros(2)
            state["m"]["v"] = state["m"]["v"] + x
            state["w"] = state["w"] + state["m"]["v"]

        f = tarn.compile(step, inputs=state, outputs=state)
        for _ in range(4):
            f(tarn.ones(2))
            again(state)
        assert state["w"].tolist() == ([4, 4] if not state["m"] else [10, 10])


def test_a_call_takes_away_what_another_adds():
    state = {"a": tarn.zeros(2)}

    def step(add):
        state["a"] = state["a"] + 1
        if add:
            state["b"] = tarn.ones(2)
        else:
            del state["b"]

    f = tarn.compile(step, inputs=state, outputs=state)
    for i in range(6):
        f(i % 2 == 0)
        assert len(state) == 2 - i % 2 and state["a"].tolist() == [i + 1, i + 1]


def test_state_that_a_function_takes_away():
    state = {}
    f = tarn.compile(lambda x: x + state.pop("a"), inputs=state, outputs=state)
    for i in range(3):
        state["a"] = tarn.full(2, float(i))
        assert f(tarn.ones(2)).tolist() == [1 + i, 1 + i] and not state


# ---- lifetimes


class Note:
    pass


def collected(make):
    found = make()
    gc.collect()
    return found() is None


def test_a_compiled_function_that_holds_itself_is_collected():
    def make():
        def call(x):
            return x + 1 if f else x

        f = tarn.compile(call)
        f(tarn.array(1.0))
        return weakref.ref(call)

    assert collected(make)


def test_state_that_holds_its_function_is_collected():
    def make():
        note = Note()
        state = {"a": tarn.array(1.0), "note": note}
        note.function = tarn.compile(lambda x: x + state["a"], inputs=state, outputs=state)
        note.value = note.function(tarn.array(1.0))
        return weakref.ref(note)

    assert collected(make)


def test_what_a_function_returned_is_collected_with_it():
    def make():
        note = Note()
        note.function = tarn.compile(lambda x: (x, note))
        assert note.function(tarn.array(1.0))[1] is note
        return weakref.ref(note)

    assert collected(make)


def test_plans_that_are_pushed_out_free_what_they_held():
    notes = []

    def call(x):
        note = Note()
        notes.append(weakref.ref(note))
        return x, note

    f = tarn.compile(call)
    for n in range(100):
        f(tarn.zeros((n,)))
    alive = sum(note() is not None for note in notes)
    assert len(notes) == 100 and alive < 50
    del f
    gc.collect()
    assert not any(note() for note in notes)


def test_a_thousand_shapes_and_ten_thousand_steps_keep_memory_flat():
    f = tarn.compile(lambda x: (tarn.softmax(x, axis=-1) @ x.T).sum(0))
    tarn.eval(f(tarn.ones((1, 1))))
    gc.collect()
    before = tarn.get_active_memory()
    for i in range(1000):
        tarn.eval(f(tarn.ones((1 + i // 40, 1 + i % 40))))
        assert tarn.get_active_memory() <= before
    state = {"w": tarn.zeros((64, 64)), "n": tarn.array(0)}

    def step(x):
        state["w"] = state["w"] + x.sum()
        state["n"] = state["n"] + 1

    g = tarn.compile(step, inputs=state, outputs=state)
    for i in range(10000):
        g(tarn.ones((1 + i % 61,)))
        if i % 1000 == 10:
            tarn.eval(state)
            sizes = {tarn.get_active_memory()}
    tarn.eval(state)
    assert state["n"].item() == 10000 and tarn.get_active_memory() <= max(sizes) + 65536


def test_state_that_only_its_container_holds_is_written_over():
    state = [tarn.zeros((1 << 18,))]

    def step():
        state[0] = state[0] * 2 + 1

    f = tarn.compile(step, inputs=state, outputs=state)
    for _ in range(3):
        f()
    tarn.eval(state)
    tarn.reset_peak_memory()
    before = tarn.get_active_memory()
    for _ in range(5):
        f()
        tarn.eval(state)
    assert tarn.get_peak_memory() <= before + 4096
    old = state[0]
    f()
    assert old[0].item() == 255 and state[0][0].item() == 511


def test_fresh_closures_leave_nothing():
    def use(n):
        note = Note()
        f = tarn.compile(lambda x: (x * n, note))
        assert f(tarn.array(2.0))[0].item() == 2 * n
        return weakref.ref(note)

    use(0)
    gc.collect()
    before = tarn.get_active_memory(), len(gc.get_objects())
    notes = [use(n) for n in range(24)]
    gc.collect()
    assert not any(note() for note in notes)
    assert tarn.get_active_memory() <= before[0] and len(gc.get_objects()) <= before[1] + 40


def test_threads_share_a_compiled_function():
    import threading

    f = tarn.compile(lambda x, n: (x * n).sum() + tarn.array(1.0))
    wrong = []

    def call(start):
        for i in range(150):
            n, size = (start + i) % 5, 1 + (start * i) % 40
            if f(tarn.ones((size,)), n).item() != size * n + 1:
                wrong.append((n, size))

    threads = [threading.Thread(target=call, args=(start,)) for start in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


@pytest.mark.parametrize("kind", [dict, OrderedDict])
def test_a_function_that_raises_leaves_dicts_as_they_were(kind):
    state = kind(a=tarn.ones(2), b=tarn.ones(2), c=tarn.ones(2))

    def step():
        state["new"] = state["a"] + 1
        del state["b"]
        state["c"] = state["a"] + 2
        raise RuntimeError("no")

    f = tarn.compile(step, inputs=state, outputs=state)
    for _ in range(2):
        with pytest.raises(RuntimeError, match="no"):
            f()
        assert [(name, value.tolist()) for name, value in state.items()] == [(name, [1, 1]) for name in "abc"]
        assert list(reversed(state)) == ["c", "b", "a"] and len(state) == 3


def test_what_was_taken_from_the_state_before_a_call_that_is_refused_keeps_its_value():
    class Name:
        """Empties the list when it is looked up, as another thread might."""

        def __hash__(self):
            if taking:
                state["list"].clear()
            return 1

    taking = False
    name = Name()
    state = {name: tarn.zeros(4), "list": [tarn.ones(4)], "last": tarn.ones(4)}

    def step(x):
        for key in (name, "last"):
            state[key] = state[key] + x
        state["list"][:] = [one + x for one in state["list"]]

    f = tarn.compile(step, inputs=state, outputs=state)
    f(tarn.ones(4))
    held, values = [state[name], state["last"]], [[1.0] * 4, [2.0] * 4]
    taking = True
    with pytest.raises(ValueError, match="was changed during the call"):
        f(tarn.ones(4))
    taking = False
    assert [one.tolist() for one in held] == values
    assert state["last"].tolist() == [3] * 4 and state[name].tolist() == [2] * 4
