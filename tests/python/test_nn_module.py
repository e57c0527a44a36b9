"""nn.Module against mlx's: what it holds, what it gives out, what it refuses, how it prints."""

import copy
import pickle

import numpy
import pytest
from nn_sides import MLX, TARN, check_program

# A module with everything a module may hold; the same class on each side.
MODEL = """
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = nn.Linear(2, 3)
        self.w = mx.zeros((2,))
        rest = [mx.ones(1), nn.Sequential(nn.Linear(1, 2, bias=False))]
        self.many = [nn.Linear(1, 1), (nn.ReLU(), mx.ones(2)), 5, rest]
        self.named = {'k': nn.Dropout(0.5), 's': 'str', 'deep': {'w': mx.ones(2)}}
        self.n = 3
        self.text = 'hi'
        self._hidden = mx.ones(1)
        self.none = None
        self.pair = (mx.ones(1),)
        self.empty = []
    def method(self):
        return 1
    @property
    def fails(self):
        raise AttributeError('inner')
    def _extra_repr(self):
        return 'extra=1'
def shapes(tree):
    return utils.tree_map(lambda x: x.shape, tree)
def names(tree):
    return [name for name, _ in utils.tree_flatten(tree)]
mx.random.seed(3)
m = Model()
"""

CASES = """
m
str(m)
list(m.keys())
sorted(vars(m))
m.parameters()
m.trainable_parameters()
m.children()
m.leaf_modules()
[name for name, _ in m.named_modules()]
m.modules()
m.state is m
m.training
setattr(m, 'training', False)
m.missing
m.fails
hasattr(m, 'zz')
m.method
setattr(m, 'method', mx.ones(1))
setattr(m, 'items', [1])
delattr(m, 'w') or 'w' in m
delattr(m, 'n') or hasattr(m, 'n')
delattr(m, 'zz')
setattr(m, 'linear', 5) or ('linear' in m, m.linear, 'linear' in vars(m))
setattr(m, 'n', mx.ones(1)) or ('n' in m, 'n' in vars(m))
setattr(m, 'w', None) or ('w' in m, m.w)
setattr(m, 'd', mx.float32) or 'd' in m
names(m.freeze().trainable_parameters())
sorted(m._no_grad) + sorted(m.freeze()._no_grad)
names(m.freeze().unfreeze(keys='bias').trainable_parameters())
names(m.freeze(keys=['weight', 'w']).trainable_parameters())
names(m.freeze(recurse=False).trainable_parameters())
names(m.freeze(keys='nope').trainable_parameters())
names(m.freeze(keys=3).trainable_parameters())
m.freeze(keys='nope', strict=True)
m.freeze(keys='bias', strict=True)
m.freeze(keys='bias', strict=True, recurse=False)
m.unfreeze(keys=['bias', 'nope'], strict=True)
m.freeze(True)
names(nn.Sequential(nn.BatchNorm(2), nn.QuantizedLinear(64, 64)).trainable_parameters())
names(nn.Sequential(nn.BatchNorm(2), nn.QuantizedLinear(64, 64)).unfreeze().trainable_parameters())
m.update({'nope': mx.ones(1)})
m.update({'linear': {'nope': mx.ones(1)}})
names(m.update({'nope': mx.ones(1)}, strict=False).parameters())
m.update({'linear': mx.ones(1)})
m.update({'w': 3})
m.update({'w': {'a': mx.ones(1)}})
m.update({'w': None})
shapes(m.update({'many': [{'weight': mx.ones((7, 7))}]}).parameters())
shapes(m.update({'named': {'deep': {'w': mx.ones((7, 7))}}}).parameters())
m.update({'many': [{}] * 9})
m.update({'many': {'a': 1}})
shapes(m.update({'many': [{}, {}, {}, [mx.ones(5)]]}).parameters())
shapes(m.update({'many': [{}] * 9}, strict=False).parameters())
m.update({'text': mx.ones(1)})
m.update({'named': {'s': mx.ones(1)}})
m.update({'named': {'k': {'p': mx.ones(1)}}})
m.update_modules({'linear': nn.Linear(9, 9)})
m.update_modules({'nope': nn.Linear(1, 1)})
m.update_modules({'nope': nn.Linear(1, 1)}, strict=False)
m.update_modules({'linear': 5})
m.update_modules({'linear': {'w': 3}})
m.update_modules({'w': nn.Linear(1, 1)})
m.update_modules({'many': [nn.Linear(4, 4)]})
m.update_modules({'many': [nn.ReLU()] * 9})
m.update_modules({'many': {'k': nn.ReLU()}})
m.update_modules({'named': {'k': nn.GELU()}})
m.update_modules({'linear': mx.ones(1)})
m.update_modules({'many': [5]})
m.update_modules({'linear': None})
m.update_modules({'many': [{}, {}, {}, [{}, {'layers': [nn.Linear(3, 3)]}]]})
m.load_weights([('w', mx.ones(2))])
m.linear.load_weights([('weight', mx.ones((3, 2)))])
m.linear.load_weights([('weight', mx.ones((3, 2))), ('bias', mx.ones(3)), ('a.b', mx.ones(1)), ('q', mx.ones(1))])
m.linear.load_weights([('weight', mx.ones((3, 3))), ('bias', mx.ones(3))])
m.linear.load_weights([('weight', mx.ones((3, 2))), ('bias', 3)])
m.linear.load_weights([('weight', mx.ones((3, 3)))], strict=False)
m.linear.load_weights([('nope', mx.ones((3, 3)))], strict=False)
m.linear.load_weights([], strict=False)
m.linear.load_weights([])
m.linear.load_weights('/nowhere/weights.zz')
m.linear.save_weights('/nowhere/weights.zz')
m.train(False).many[0].training
m.eval().training
m.eval().train().many[3][1].layers[0].training
m.set_dtype(mx.float16) or utils.tree_map(lambda x: str(x.dtype)[-7:], m.parameters())
m.set_dtype(mx.float16, predicate=None)
nn.QuantizedLinear(64, 64).set_dtype(mx.float16)
m.apply(lambda x: x + 1).w
m.apply(lambda x: x + 1, filter_fn=lambda m, k, v: k == 'w').w
m.apply_to_modules(lambda path, module: print(path, type(module).__name__)) is m
m.filter_and_map(lambda m, k, v: True)
m.filter_and_map(lambda m, k, v: print(type(m).__name__, k, type(v).__name__) or True, lambda v: 1)
m.filter_and_map(nn.Module.valid_parameter_filter, lambda v: v.shape)
m.filter_and_map(lambda m, k, v: k != 'linear', is_leaf_fn=lambda m, k, v: isinstance(v, (list, dict)))
m.filter_and_map(lambda m, k, v: isinstance(v, (list, dict)))
m.filter_and_map(lambda m, k, v: True, is_leaf_fn=lambda m, k, v: False)
nn.Module.is_module(3), nn.Module.is_module(m)
[nn.Module.valid_child_filter(m, 'a', v) for v in ([1], (1,), {}, m, mx.ones(1))]
[nn.Module.valid_parameter_filter(m, k, mx.ones(1)) for k in ('a', '_a')]
nn.Module()
bool(nn.Module()), len(m.linear), list(m.linear)
nn.Module().parameters()
m.linear == m.linear
m | {} == dict(m)
hash(m)
"""


@pytest.mark.parametrize("case", CASES.strip().split("\n"))
def test_as_in_mlx(case):
    check_program(MODEL + case)


def test_without_init():
    check_program(
        """
class Bare(nn.Module):
    def __init__(self):
        self.w = mx.ones(1)
(Bare(), Bare().parameters())
"""
    )


def test_names_to_freeze():
    """Names stand in anything that can be gone through."""
    names = {"weight": 1, "bias": 2}
    for keys in (["weight", "bias"], ("weight", "bias"), frozenset(names), iter(names), names.keys(), names, (k for k in names)):
        model = TARN.nn.Sequential(TARN.nn.Linear(2, 2), TARN.nn.Linear(2, 2))
        model.freeze(keys=keys, strict=True)
        assert [layer._no_grad for layer in model.layers] == [{"weight", "bias"}] * 2
        model.unfreeze(keys=frozenset(["weight"]))
        assert [layer._no_grad for layer in model.layers] == [{"bias"}] * 2
    for keys in ("weight", 3):
        assert TARN.nn.Linear(2, 2).freeze(keys=keys)._no_grad == {keys}


def test_copies_and_pickles():
    model = TARN.nn.Sequential(TARN.nn.Linear(2, 2), TARN.nn.Dropout(0.25))
    model.freeze(keys="bias")
    for made in (copy.deepcopy(model), pickle.loads(pickle.dumps(model))):
        assert repr(made) == repr(model) and made.layers[0]._no_grad == {"bias"}
        assert numpy.array_equal(numpy.array(made.layers[0].weight), numpy.array(model.layers[0].weight))
        made.layers[0].weight = made.layers[0].weight + 1
    assert copy.copy(model).layers is model.layers


@pytest.mark.parametrize("ending", ["safetensors", "npz"])
def test_weights_go_to_mlx_and_back(tmp_path, ending):
    make = "nn.Sequential(nn.Linear(64, 8), nn.QuantizedLinear(64, 4), nn.BatchNorm(3), nn.Conv2d(2, 3, 3))"
    for writer, reader in ((MLX, TARN), (TARN, MLX)):
        file = str(tmp_path / f"{writer.package}.{ending}")
        written, read = (eval(make, side.names) for side in (writer, reader))
        written.save_weights(file)
        read.load_weights(file)
        for (path, a), (other, b) in zip(
            writer.utils.tree_flatten(written.parameters()), reader.utils.tree_flatten(read.parameters())
        ):
            assert path == other and numpy.array_equal(numpy.array(a), numpy.array(b)), path


def test_paths_of_pathlib(tmp_path):
    layer = TARN.nn.Linear(2, 2)
    layer.save_weights(tmp_path / "w.safetensors")
    assert TARN.nn.Linear(2, 2).load_weights(tmp_path / "w.safetensors").weight.tolist() == layer.weight.tolist()


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises((RuntimeError, OSError), match="nothing.safetensors"):
        TARN.nn.Linear(2, 2).load_weights(str(tmp_path / "nothing.safetensors"))
