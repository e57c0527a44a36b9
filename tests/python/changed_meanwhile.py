"""changed_meanwhile.py: calls every public function and method with an argument that, when it is asked for its value in
Python, puts other arrays into the objects of the other arguments and empties their lists and dicts, or makes them
longer. Whatever the call gives or raises is fine, but it must not read an array that is gone: TARN_HARD=1 says so. Run
by test_changed_meanwhile.py."""

import sys

sys.argv = ["", ""]
import wrong_kinds  # noqa: E402: its calls

mx = wrong_kinds.mx
others = []  # what the call in progress was given
calling = growing = False  # growing: lists and dicts get more arrays instead


def change():
    for one in others if calling else []:
        if isinstance(one, mx.array):
            one.__init__(1.0)
        elif growing and isinstance(one, list):
            one.extend([mx.ones(4)] * 100)
        elif growing:
            one.update({f"n{name}": mx.ones(4) for name in range(100)})
        else:
            one.clear()
    mx.add(mx.ones(3), 1)  # what is gone is overwritten


class Number:
    """Changes the others whatever it is asked."""

    def __index__(self):
        change()
        return 1

    def __float__(self):
        change()
        return 1.0

    def __mlx_array__(self):
        change()
        return mx.array(1.0)

    def __hash__(self):
        change()
        return 1

    def __eq__(self, other):
        change()
        return self is other


class Whole(int):
    """An int whose value as a float is asked of Python."""

    def __float__(self):
        change()
        return 1.0


def fresh(value):
    """A copy whose arrays nobody else holds, and those that change() shall change."""
    if isinstance(value, mx.array):
        value = mx.array(value) + mx.zeros((), value.dtype)
        mx.eval(value)
    elif hasattr(value, "_fields"):
        value = type(value)(*map(fresh, value))
    elif isinstance(value, (list, tuple)):
        value = type(value)(fresh(one) for one in value)
    elif isinstance(value, dict):
        value = {name: fresh(one) for name, one in value.items()}
    if isinstance(value, (mx.array, list, dict)):
        others.append(value)
    return value


def bad(error):
    return "after its scope ended" in str(error)


def attempt(label, function, args, named):
    global calling
    calling = True
    try:
        result = function(*args, **named)
        several = result if isinstance(result, (list, tuple)) else [result]
        mx.eval([one for one in several if isinstance(one, mx.array)])
    except Exception as error:  # noqa: BLE001: whatever it is, but one
        if bad(error):
            print(label, error)
    calling = False
    others.clear()
    return 1


def each_place(args, named, number):
    for place in range(len(args)):
        yield place, lambda: ((*map(fresh, args[:place]), number(), *map(fresh, args[place + 1:])), fresh(dict(named)))
    for place, value in enumerate(args):
        if isinstance(value, (list, tuple)):
            several = lambda: [*map(fresh, value), number()]  # noqa: E731, B023
            yield f"{place} in a list", lambda: ((*map(fresh, args[:place]), several(), *map(fresh, args[place + 1:])), fresh(dict(named)))
    for name in named:
        yield name, lambda: (tuple(map(fresh, args)), {**fresh(dict(named)), name: number()})


def function_of(name):
    return wrong_kinds.function_of(name)


def method_of(name):
    return lambda self, *args, **named: getattr(self, name)(*args, **named)


def calls():
    for name, (args, named) in wrong_kinds.CALLS.items():
        if not name.startswith(("set_", "disable_compile", "enable_compile", "distributed.recv", "distributed.send")):
            yield name, function_of, args, named
    for name, (args, named) in wrong_kinds.METHODS.items():
        yield name, method_of, (wrong_kinds.a, *args), named


def main():
    global growing
    count = 0
    for name, find, args, named in calls():
        try:
            function = find(name)
        except AttributeError:  # of mlx.core alone
            continue
        for number in (Number, Whole):
            for place, make in each_place(args, named, number):
                count += attempt(f"{name} {place} {number.__name__}", function, *make())
    for growing in (False, True):
        trees()
    print("calls", count)


# ---- trees: arguments of transforms, whose dicts have such keys, and whose named tuples are made in Python


def trees():
    from collections import namedtuple

    class Pair(namedtuple("Pair", "a b")):
        @classmethod
        def _make(cls, items):
            change()
            return super()._make(items)

    def tree():
        keys = {Number(): mx.ones(3), Number(): mx.ones(3), "z": mx.ones(3)}
        several = [Pair(mx.ones(3), mx.ones(3)), mx.ones(3), {"k": mx.ones(3)}]
        return fresh({"x": mx.ones(3), "y": [mx.ones(3), keys]}), fresh(several)

    def total(*trees):
        change()
        return mx.ones(3).sum()

    for name, function in {
        "eval": mx.eval, "async_eval": mx.async_eval, "grad": mx.grad(total), "value_and_grad": mx.value_and_grad(total, (0, 1)),
        "vmap": mx.vmap(total), "vmap of trees": mx.vmap(total, ({"x": 0, "y": [0, {Number(): 0, "z": 0}]}, 0)),
        "compile": mx.compile(total), "checkpoint": mx.checkpoint(total), "custom_function": mx.custom_function(total),
    }.items():
        attempt(name, function, tree(), {})
    for place in range(2):
        state = tree()
        attempt("states", mx.compile(total, inputs=state, outputs=state), (mx.ones(3),), {})
        state = tree()[place]
        attempt("state", mx.compile(total, inputs=state, outputs=state), (mx.ones(3),), {})


if __name__ == "__main__":
    main()
