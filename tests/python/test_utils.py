"""tarn.utils against mlx.utils: written cases, and random trees."""

import random

import pytest
from nn_sides import MLX, TARN, check_program

CASES = """
utils.tree_flatten({'a': [1, (2, 3)], 'b': {}, 'c': []})
utils.tree_flatten(5)
utils.tree_flatten(5, prefix='.x')
utils.tree_flatten({'a': 1}, prefix='.x', destination={})
utils.tree_flatten({'a': 1}, prefix='x')
utils.tree_flatten({'a': 1}, destination=())
utils.tree_flatten({'a': [1, 2]}, destination=[('q', 1)])
utils.tree_flatten(nn.Sequential(nn.ReLU()), is_leaf=lambda x: isinstance(x, nn.Module))
utils.tree_unflatten([])
utils.tree_unflatten({})
utils.tree_unflatten([('', 5)])
utils.tree_unflatten([('0', 5), ('2', 6)])
utils.tree_unflatten([('0.a', 5), ('b.1', 6)])
utils.tree_unflatten([('a', 6), ('a.b', 2)])
utils.tree_unflatten([('10', 1), ('2', 3)])
utils.tree_unflatten(5)
utils.tree_map(lambda x, y: (x, y), {'a': 1}, {'a': 2, 'b': 3})
utils.tree_map(lambda x, y: (x, y), [1, 2], [3])
utils.tree_map(lambda x, y: (x, y), [1, 2], [3, [4]])
utils.tree_map(lambda x, y: (x, y), {'a': 1}, {})
type(utils.tree_map(lambda x: x, nn.Sequential())) is dict
utils.tree_map_with_path(lambda p, x: p, 5)
utils.tree_map_with_path(lambda p, x: p, {'a': [1, 2]}, path='q')
utils.tree_map_with_path(lambda p, x, y: (p, y), {'a': [1, 2]}, {'a': [3, 4]}, is_leaf=lambda x: isinstance(x, list))
utils.tree_reduce(lambda a, b: a + b, {'a': [1, 2], 'b': 3})
utils.tree_reduce(lambda a, b: a + b, {}, 4)
utils.tree_merge({'a': 1}, {'b': 2})
utils.tree_merge({'a': 1}, {'a': 2})
utils.tree_merge([1, 2], [3], lambda a, b: a + b)
utils.tree_merge([], {})
utils.tree_merge({}, None)
"""


@pytest.mark.parametrize("case", CASES.strip().split("\n"))
def test_as_in_mlx(case):
    check_program(case)


def random_tree(depth):
    kind = random.random()
    if depth == 0 or kind < 0.25:
        return random.choice([1, 2, None, "s", 3.5])
    if kind < 0.6:
        items = [random_tree(depth - 1) for _ in range(random.randint(0, 3))]
        return items if kind < 0.5 else tuple(items)
    return {random.choice("abc"): random_tree(depth - 1) for _ in range(random.randint(0, 3))}


def sorted_keys(tree):
    """mlx merges dictionaries in the order of a set."""
    if isinstance(tree, dict):
        return {key: sorted_keys(tree[key]) for key in sorted(tree)}
    return type(tree)(map(sorted_keys, tree)) if isinstance(tree, (list, tuple)) else tree


def outcome(side, name, *arguments, **options):
    try:
        return repr(sorted_keys(getattr(side.utils, name)(*arguments, **options)))
    except ValueError:  # of several faults of two trees it depends on the order which is found
        return "ValueError"
    except Exception as error:
        return f"{type(error).__name__}: {error}"


def test_random_trees():
    random.seed(9)
    for _ in range(1500):
        a, b = random_tree(3), random_tree(3)
        flat = MLX.utils.tree_flatten(a)
        for name, *arguments in (
            ("tree_merge", a, b),
            ("tree_merge", a, b, lambda x, y: (x, y)),
            ("tree_map", lambda x: (x, 0), a),
            ("tree_map", lambda x, y: (x, y), a, b),
            ("tree_map_with_path", lambda p, x: (p, x), a),
            ("tree_flatten", a, ".p"),
            ("tree_reduce", lambda x, y: [x, y], a, b),
            ("tree_unflatten", flat),
            ("tree_unflatten", dict(flat)),
        ):
            assert outcome(TARN, name, *arguments) == outcome(MLX, name, *arguments), (name, *arguments)


def test_two_values_of_a_path_are_an_error():
    with pytest.raises(ValueError, match="several values for the same path"):
        TARN.utils.tree_unflatten([("a", 1), ("a", 2)])
