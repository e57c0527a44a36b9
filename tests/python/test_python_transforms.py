"""grad, value_and_grad, vjp, jvp, vmap, custom_function and checkpoint of Python functions over trees, as mlx has
them."""

import gc
import weakref

import pytest

mx = pytest.importorskip("tarn.core")


def plain(tree):
    if isinstance(tree, mx.array):
        return tree.tolist()
    if isinstance(tree, dict):
        return {key: plain(value) for key, value in tree.items()}
    return type(tree)(plain(one) for one in tree) if isinstance(tree, (list, tuple)) else tree


x, y = mx.array(3.0), mx.array(2.0)


def product(a, b):
    return a * b


@pytest.mark.parametrize("transformed, expected",
                         [(lambda: mx.grad(product)(x, y), 2), (lambda: mx.grad(product, argnums=(0, 1))(x, y), (2, 3)),
                          (lambda: mx.grad(product, argnums=[1])(x, y), 3),
                          (lambda: mx.grad(product, argnames="b")(x, b=y), (None, {"b": 3})),
                          (lambda: mx.grad(product, argnums=0, argnames=["b"])(x, b=y), (2, {"b": 3})),
                          (lambda: mx.value_and_grad(lambda a: (a * a, "note", [a]))(x), ((9, "note", [3]), 6)),
                          (lambda: mx.grad(lambda p: p["a"] * p["b"][0])({"a": x, "b": [y]}), {"a": 2, "b": [3]}),
                          (lambda: mx.grad(mx.grad(lambda a: a * a * a))(x), 18),
                          (lambda: mx.vjp(lambda a: (a * a, a), [x], [y, y]), ([9, 3], [14])),
                          (lambda: mx.jvp(product, [x, y], [y, x]), ([6], [13])),
                          (lambda: mx.vmap(mx.sum)(mx.ones((2, 3))), [3, 3]),
                          (lambda: mx.vmap(product, in_axes=(0, None))(mx.array([1.0, 2]), y), [2, 4]),
                          (lambda: mx.vmap(lambda d: {"s": d["a"] + d["b"]}, in_axes={"a": 0, "b": None}, out_axes=1)
                           ({"a": mx.ones((2, 3)), "b": mx.zeros(3)}), {"s": [[1, 1]] * 3}),
                          (lambda: mx.grad(mx.checkpoint(lambda d, k: d["v"] * k))({"v": x}, k=y), {"v": 2}),
                          (lambda: mx.vmap(mx.grad(lambda a: a * a))(mx.array([1.0, 2])), [2, 4]),],
                         )
def test_what_transforms_give(transformed, expected):
    assert plain(transformed()) == expected


@pytest.mark.parametrize(
    "wrong, error, message",
    [
        (lambda: mx.grad(product, argnums=2)(x, y), ValueError, "argument index 2"),
        (lambda: mx.grad(product, argnums=(0, 0)), ValueError, "Duplicate"),
        (lambda: mx.grad(product, argnums=-1), ValueError, "negative"),
        (lambda: mx.grad(product, argnums=()), ValueError, "no argument"),
        (lambda: mx.grad(product, argnames="z")(x, y), ValueError, "keyword argument 'z'"),
        (lambda: mx.grad(lambda a: (a, a))(x), ValueError, "scalar array"),
        (lambda: mx.grad(lambda a: mx.zeros(2) + a)(x), ValueError, None),
        (lambda: mx.grad(3), TypeError, "function"),
        (lambda: mx.grad(lambda a: 1 / 0)(x), ZeroDivisionError, None),
        (lambda: mx.vmap(product, in_axes=(0,))(x, y), ValueError, "prefix"),
        (lambda: mx.vmap(product, in_axes=None), TypeError, None),
        (lambda: mx.vmap(mx.sum)(a=mx.ones(2)), TypeError, "Keyword"),
        (lambda: mx.jvp(product, [x, y], [x]), ValueError, "tangents"),
        (lambda: mx.vmap(lambda a: a * a.item())(mx.ones(3)), ValueError, None),
    ],
)
def test_errors_of_transforms(wrong, error, message):
    with pytest.raises(error, match=message):
        wrong()
    assert (x + 1).item() == 4


def test_custom_functions_use_their_rules():
    seen = []

    @mx.custom_function
    def f(a, b, scale=1):
        return {"p": a * b * scale}, a + b

    @f.vjp
    def f_vjp(primals, cotangents, outputs, **named):
        seen.append(plain((primals, cotangents, outputs, named)))
        return cotangents[0]["p"] * 10

    @f.jvp
    def f_jvp(primals, tangents):
        return {"p": tangents[0]}, tangents[1]

    @f.vmap
    def f_vmap(inputs, axes):
        seen.append(axes)
        return ({"p": inputs[0] * 2}, inputs[0]), 0

    assert plain(f(x, y)) == ({"p": 6}, 5)
    assert plain(mx.grad(lambda a, b: f(a, b, scale=4)[0]["p"], argnums=(0, 1))(x, y)) == (10, 0)
    assert seen.pop() == ((3, 2), ({"p": 1}, 0), ({"p": 24}, 5), {"scale": 4})
    assert plain(mx.jvp(lambda a, b: f(a, b)[0]["p"], [x, y], [y, x])) == ([6], [2])
    assert plain(mx.vmap(f, in_axes=(0, None))(mx.array([1.0, 2]), y)) == ({"p": [2, 4]}, [1, 2])
    assert seen == [(0, None)]


def test_a_failure_in_a_rule_is_its_exception():
    @mx.custom_function
    def f(a):
        return a * a

    @f.vjp
    def f_vjp(a, cotangent, output):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        mx.grad(f)(x)
    assert f(x).item() == 9


def test_rules_that_return_anything():
    @mx.custom_function
    def double(x):
        return 2 * x

    @double.vmap
    def batches(x, axis):
        return [x] * 100000, [0] * 100000

    @double.vjp
    def gradients(x, cotangent, output):
        endless = []
        endless.append(endless)
        return endless

    with pytest.raises(ValueError, match="the rule handed out 100000 results, not 1"):
        mx.vmap(double)(mx.ones((3, 2)))
    with pytest.raises(RecursionError, match="gradients of a custom rule"):
        mx.grad(lambda x: double(x).sum())(mx.ones(3))


def test_cycles_through_closures_are_collected():
    class Note:
        pass

    def make():
        note = Note()

        @mx.custom_function
        def f(a):
            return a * (1 if note else 2)

        @f.vjp
        def f_vjp(a, cotangent, output):
            return cotangent

        note.result = f(mx.array(1.0)) + 1  # not computed: array, node, closure, note, array
        return weakref.ref(note)

    gc.collect()
    found = make()
    assert found() is not None
    gc.collect()
    assert found() is None


def test_a_transformed_function_that_holds_itself_is_collected():
    def make():
        def f(a):
            return a * a if g else a

        g = mx.grad(f)
        return weakref.ref(f)

    found = make()
    gc.collect()
    assert found() is None


def test_what_a_custom_function_captures_is_constant():
    def f(x, y):
        @mx.custom_function
        def inner(x):
            return x * y

        @inner.vjp
        def rule(x, cotangent, output):
            raise ValueError("the rule was asked")

        @inner.jvp
        def tangent(x, t):
            raise ValueError("the rule was asked")

        return inner(x)

    x, y = mx.array(2.0), mx.array(3.0)
    assert f(x, y).item() == 6 and mx.grad(f, argnums=1)(x, y).item() == 0
    assert mx.jvp(lambda y: f(x, y), [y], [y])[1][0].item() == 0
    with pytest.raises(ValueError, match="the rule was asked"):
        mx.grad(f)(x, y)


def test_out_axes_none_is_for_outputs_that_are_the_same_for_all():
    x, one = mx.array([1.0, 2.0]), mx.array(7.0)
    both = mx.vmap(lambda a, b: (a * 2, b + 1), in_axes=(0, None), out_axes=(0, None))(x, one)
    assert both[0].tolist() == [2, 4] and both[1].item() == 8
    with pytest.raises(ValueError, match="different for each example"):
        mx.vmap(lambda a: [a], out_axes=[None])(x)
