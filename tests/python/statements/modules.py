# nn.Module: parameters, freezing, updating, files, copies.
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten, tree_map
import os, tempfile, copy, pickle
import numpy as np
mx.random.seed(3)
K = lambda t: [k for k, _ in tree_flatten(t)]
S = lambda: nn.Sequential(nn.Linear(2, 3), nn.BatchNorm(3), nn.ReLU(), nn.Linear(3, 1, bias=False))
d = tempfile.mkdtemp()

class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.weights = {'w1': mx.zeros((2, 2)), 'w2': mx.ones((2, 2))}
        self.blocks = [nn.Linear(2, 2) for _ in range(2)]
        self.nested = {'a': [nn.Linear(2, 2), {'b': nn.ReLU()}]}
        self._private = mx.ones(3)
        self.scale = 2.0
    def __call__(self, x):
        return x

Net()
Net().parameters().keys()
K(Net().parameters())
K(Net().trainable_parameters())
K(Net().freeze().trainable_parameters())
K(Net().freeze().unfreeze(recurse=False).trainable_parameters())
K(Net().freeze(keys=['w1']).trainable_parameters())
K(Net().freeze(recurse=False, keys=['w1', 'weights']).trainable_parameters())
K(Net().freeze(keys='bias').trainable_parameters())
K(Net().freeze(keys=['weight']).unfreeze(keys=['weight'], recurse=True).trainable_parameters())
K(Net().freeze(keys='bias', strict=True).trainable_parameters())
K(Net().freeze(keys=['bias', 'weight'], recurse=True, strict=False).trainable_parameters())
Net().freeze(strict=True, keys=['wight'])
Net().unfreeze(strict=True, keys=['wight'])
[n for n, _ in Net().named_modules()]
[type(m).__name__ for m in Net().modules()]
Net().children()
Net().leaf_modules()
K(Net().children())
Net().blocks
Net().weights
Net().nope
Net()['blocks'][0]
Net()['nope']
'blocks' in Net()
'scale' in Net()
Net().scale
Net().state.keys()
list(Net())
len(Net())
dict(Net()).keys()
Net().items().__len__()
Net().is_module(Net())
Net().training
(lambda n: (n.eval(), n.training, [m.training for m in n.modules()]))(Net())
(lambda n: (n.eval().train(), n.training, [m.training for m in n.modules()]))(Net())
(lambda n: (n.train(mode=False), n.training))(Net())[1]
(lambda n: (n.apply(lambda a: a * 0 + 3), [v.sum() for _, v in tree_flatten(n.parameters())]))(Net())[1]
(lambda n: (n.apply(lambda a: a.astype(mx.float16)), [v.dtype for _, v in tree_flatten(n.parameters())]))(Net())[1]
(lambda n: (n.apply(lambda a: a * 0 + 5, filter_fn=lambda m, k, v: k == 'bias'), n.blocks[0].bias))(Net())[1]
(lambda n: n.apply_to_modules(lambda k, m: m.freeze() if k.startswith('blocks') else None).trainable_parameters().keys())(Net())
(lambda n: K(n.apply_to_modules(lambda k, m: m.freeze() if k.startswith('blocks') else None).trainable_parameters()))(Net())
Net().filter_and_map(nn.Module.valid_parameter_filter, lambda a: a.shape)
Net().filter_and_map(nn.Module.valid_child_filter)
Net().filter_and_map(lambda m, k, v: isinstance(v, nn.Linear), lambda v: 1, lambda m, k, v: isinstance(v, nn.Linear))
Net().filter_and_map(nn.Module.trainable_parameter_filter, lambda v: v.size)
(lambda n: (n.set_dtype(mx.bfloat16), [v.dtype for _, v in tree_flatten(n.parameters())]))(Net())[1]
(lambda n: (n.set_dtype(mx.float16, lambda t: t == mx.int32), [v.dtype for _, v in tree_flatten(n.parameters())]))(Net())[1]
(lambda n: (n.update({'weights': {'w1': mx.ones((3,))}}), n.weights))(Net())[1]
Net().update({'weights': {'w3': mx.ones(3)}})
(lambda n: n.update({'weights': {'w3': mx.ones(3)}}, strict=False).weights.keys())(Net())
Net().update({'wights': {}})
Net().update({'blocks': [{'weight': mx.ones((2, 2))}, {}, {'weight': mx.ones(1)}]})
(lambda n: (n.update({'blocks': [{}, {'bias': mx.ones(2)}]}), n.blocks[1].bias))(Net())[1]
Net().update({'blocks': [{'weight': 'no'}]})
Net().update({'blocks': 5})
Net().update([])
Net().update({})
Net().update({'scale': 3})
Net().update({'scale': mx.array(1.0)})
(lambda n: (n.update(tree_map(lambda a: a + 1, n.parameters())), n.weights['w1']))(Net())[1]
Net().update_modules({'blocks': [nn.ReLU()]})
Net().update_modules({'nested': {'a': [{}, {'b': nn.GELU()}]}})
Net().update_modules({'nested': {'a': [{}, {'c': nn.GELU()}]}})
Net().update_modules({'weights': nn.GELU()})
Net().update_modules({'scale': nn.GELU()})
Net().update_modules({'nope': nn.GELU()}, strict=True)
S().save_weights(d + '/s.npz')
S().save_weights(d + '/s.safetensors')
S().save_weights(d + '/s.gguf')
sorted(mx.load(d + '/s.npz').keys())
sorted(mx.load(d + '/s.safetensors').keys())
S().load_weights(d + '/s.npz')
S().load_weights(d + '/s.safetensors')
S().load_weights(d + '/s.safetensors', strict=True)
S().load_weights(d + '/none.npz')
S().load_weights(list(mx.load(d + '/s.npz').items()))
S().load_weights(list(mx.load(d + '/s.npz').items())[:-1])
S().load_weights(list(mx.load(d + '/s.npz').items()) + [('x', mx.ones(1))])
S().load_weights(list(mx.load(d + '/s.npz').items()) + [('x', mx.ones(1))], strict=False)
S().load_weights([(k, v) if v.ndim == 1 else (k, v[:1]) for k, v in mx.load(d + '/s.npz').items()])
S().load_weights([(k, np.array(v)) for k, v in mx.load(d + '/s.npz').items()])
S().load_weights([(k, v) if v.ndim == 1 else (k, v[:1]) for k, v in mx.load(d + '/s.npz').items()], strict=False)
(lambda a, b: (a.save_weights(d + '/t.npz'), b.load_weights(d + '/t.npz'), [mx.array_equal(x, y) for (_, x), (_, y) in zip(tree_flatten(a.parameters()), tree_flatten(b.parameters()))]))(S(), S())[2]
copy.deepcopy(S())
K(copy.deepcopy(Net()).parameters())
copy.copy(S())
pickle.loads(pickle.dumps(nn.Linear(2, 2)))
(lambda m: (setattr(m, 'w', mx.ones(2)), K(m.parameters()), delattr(m, 'w'), K(m.parameters())))(nn.Module())
(lambda m: (setattr(m, 'a', [mx.ones(2)]), setattr(m, 'a', 3), K(m.parameters()), m.a))(nn.Module())
(lambda m: (m.__setitem__('q', mx.ones(2)), K(m.parameters()), m.q))(nn.Module())
(lambda m: (m.blocks.append(nn.Linear(1, 1)), K(m.parameters())))(Net())[1]
(lambda m: (m.weights.update(w3=mx.ones(1)), K(m.parameters())))(Net())[1]
nn.Module.__call__
nn.Module()()
S()(mx.ones((4, 2))).shape
S().eval()(mx.ones((4, 2))).shape
(lambda m: (m.layers[1].freeze(), K(m.trainable_parameters()), m.unfreeze(), K(m.trainable_parameters())))(S())[1::2]
(lambda m: (m.freeze(), m.layers[0].unfreeze(keys='bias'), K(m.trainable_parameters())))(S())[2]
(lambda m: nn.value_and_grad(m, lambda x: m(x).sum())(mx.ones((4, 2)))[1].keys())(S())
(lambda m: K(nn.value_and_grad(m, lambda x: m(x).sum())(mx.ones((4, 2)))[1]))(S())
(lambda m: (m.layers[0].freeze(), K(nn.value_and_grad(m, lambda x: m(x).sum())(mx.ones((4, 2)))[1])))(S())[1]
(lambda m: (m.freeze(), nn.value_and_grad(m, lambda x: m(x).sum())(mx.ones((4, 2)))[1]))(S())[1]
(lambda m, o: [(lambda l, g: (o.update(m, g), mx.eval(m.parameters(), o.state), 1)[2])(*nn.value_and_grad(m, lambda x: m(x).square().sum())(mx.ones((4, 2)))) for _ in range(3)])(S(), optim.Adam(0.1))
(lambda m, o: (o.update(m, nn.value_and_grad(m, lambda x: m(x).sum())(mx.ones((4, 2)))[1]), K(o.state)))(S(), optim.Adam(0.1))[1]
(lambda m, o: (o.init(m.trainable_parameters()), K(o.state)))(S(), optim.AdamW(0.1))[1]
(lambda m, o: (o.init(m.trainable_parameters()), mx.save_safetensors(d + '/o.safetensors', dict(tree_flatten(o.state))), sorted(mx.load(d + "/o.safetensors"))))(S(), optim.AdamW(0.1))[2]
nn.Module.__doc__ is not None
[hasattr(nn.Module, n) for n in ('apply', 'apply_to_modules', 'children', 'eval', 'filter_and_map', 'freeze', 'leaf_modules', 'load_weights', 'modules', 'named_modules', 'parameters', 'save_weights', 'set_dtype', 'state', 'train', 'trainable_parameters', 'training', 'unfreeze', 'update', 'update_modules')]
str(Net())
str(Net().children())
str(Net().leaf_modules())
str(Net().blocks)
str(Net().weights)
str(Net().nope)
str(Net()['blocks'][0])
str(Net()['nope'])
str(Net().scale)
str(Net().items().__len__())
str(Net().is_module(Net()))
str(Net().training)
str(Net().filter_and_map(nn.Module.valid_child_filter))
str(Net().filter_and_map(lambda m, k, v: isinstance(v, nn.Linear), lambda v: 1, lambda m, k, v: isinstance(v, nn.Linear)))
str(Net().filter_and_map(nn.Module.trainable_parameter_filter, lambda v: v.size))
str(Net().update({'weights': {'w3': mx.ones(3)}}))
str(Net().update({'wights': {}}))
str(Net().update({'blocks': [{'weight': mx.ones((2, 2))}, {}, {'weight': mx.ones(1)}]}))
str(Net().update({'blocks': [{'weight': 'no'}]}))
str(Net().update({'blocks': 5}))
str(Net().update([]))
str(Net().update({}))
str(Net().update({'scale': 3}))
str(Net().update({'scale': mx.array(1.0)}))
str(Net().update_modules({'blocks': [nn.ReLU()]}))
str(Net().update_modules({'nested': {'a': [{}, {'b': nn.GELU()}]}}))
str(Net().update_modules({'nested': {'a': [{}, {'c': nn.GELU()}]}}))
str(Net().update_modules({'weights': nn.GELU()}))
str(Net().update_modules({'scale': nn.GELU()}))
str(Net().update_modules({'nope': nn.GELU()}, strict=True))
