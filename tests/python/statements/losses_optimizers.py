# Losses, initial values, optimizers, schedules, trees
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten, tree_map, tree_map_with_path, tree_reduce, tree_merge
import math
import numpy as np
from functools import partial
mx.random.seed(7)
logits = mx.random.normal((4, 5))
classes = mx.array([0, 2, 4, 1])
p = mx.random.normal((4, 5))
q = mx.random.normal((4, 5))
probabilities = mx.softmax(q, axis=-1)
binary = mx.array([0.0, 1.0, 1.0, 0.0])
b4 = mx.array([0.105361, 0.223144, 1.20397, 0.916291])
L = nn.losses

[L.cross_entropy(logits, classes, reduction=r) for r in ('none', 'mean', 'sum')]
L.cross_entropy(logits, classes, mx.array([1.0, 2.0, 0.0, 1.0]), -1, 0.1, 'mean')
L.cross_entropy(logits, probabilities, reduction='none')
L.cross_entropy(logits, probabilities, label_smoothing=0.3)
L.cross_entropy(logits, classes, label_smoothing=0.3, reduction='sum')
L.cross_entropy(logits, classes, weights=mx.ones(4))
L.cross_entropy(logits, classes, weights=mx.ones(3))
L.cross_entropy(logits.T, classes, axis=0)
L.cross_entropy(logits.T, probabilities.T, axis=0)
L.cross_entropy(logits, classes[:, None])
L.cross_entropy(logits, mx.zeros((4, 6)))
L.cross_entropy(logits, classes, label_smoothing=1)
L.cross_entropy(logits, classes, label_smoothing=-0.1)
L.cross_entropy(mx.array([[-mx.inf, 0.0], [mx.inf, 0.0]]), mx.array([0, 1]), reduction='none')  # differs: `cross_entropy` with class indices of an infinite logit
L.cross_entropy(logits.astype(mx.bfloat16), classes).dtype
L.cross_entropy(logits[0], mx.array(1))
L.cross_entropy(mx.random.normal((2, 3, 4)), mx.zeros((2, 3), mx.int32), reduction='none').shape
L.binary_cross_entropy(b4, binary, reduction='none')
[L.binary_cross_entropy(b4, binary, None, w, r) for w in (True, False) for r in ('none', 'mean', 'sum')]
L.binary_cross_entropy(mx.sigmoid(b4), binary, with_logits=False, reduction='none')
L.binary_cross_entropy(mx.array([0.0, 1.0, 0.0, 1.0]), binary, with_logits=False, reduction='none')
L.binary_cross_entropy(b4, binary, weights=mx.array([1.0, 2.0, 1.0, 2.0]), reduction='sum')
L.binary_cross_entropy(b4, binary, weights=mx.ones(3))
L.binary_cross_entropy(b4, mx.ones((4, 1)))
L.binary_cross_entropy(b4, binary > 0)
[L.l1_loss(p, q, r) for r in ('none', 'mean', 'sum')]
[L.mse_loss(p, q, r) for r in ('none', 'mean', 'sum')]
[L.smooth_l1_loss(p, q, 1.0, r) for r in ('none', 'mean', 'sum')]
L.smooth_l1_loss(p, q, beta=0.5)
L.smooth_l1_loss(p, q, beta=0)
L.smooth_l1_loss(p, q[0])
[L.nll_loss(logits, classes, -1, r) for r in ('none', 'mean', 'sum')]
L.nll_loss(logits.T, classes, axis=0)
[L.gaussian_nll_loss(p, q, mx.abs(q), f, 1e-6, r) for f in (False, True) for r in ('none', 'mean', 'sum')]
L.gaussian_nll_loss(p, q, mx.abs(q), full=True)
L.gaussian_nll_loss(p, q[0], mx.abs(q))
L.gaussian_nll_loss(p, q, mx.abs(q[:, :1]))
[L.kl_div_loss(mx.log(probabilities), mx.log(mx.softmax(p)), -1, r) for r in ('none', 'mean', 'sum')]
L.kl_div_loss(p, q, axis=0)
[L.triplet_loss(p, q, logits, reduction=r) for r in ('none', 'mean', 'sum')]
L.triplet_loss(p, q, logits, axis=0, p=1, margin=0.5, eps=1e-3)
[L.hinge_loss(p, mx.sign(q), r) for r in ('none', 'mean', 'sum')]
[L.huber_loss(p, q, 1.0, r) for r in ('none', 'mean', 'sum')]
L.huber_loss(p, q, delta=0.3)
[L.log_cosh_loss(p, q, r) for r in ('none', 'mean', 'sum')]
[L.cosine_similarity_loss(p, q, 1, 1e-8, r) for r in ('none', 'mean', 'sum')]
L.cosine_similarity_loss(p, q, axis=0)
L.cosine_similarity_loss(mx.zeros((2, 3)), mx.zeros((2, 3)))
[L.margin_ranking_loss(p, q, mx.sign(logits), 0.0, r) for r in ('none', 'mean', 'sum')]
L.margin_ranking_loss(p, q, mx.sign(logits), margin=0.5)
L.margin_ranking_loss(p, q[:, :3], logits)
[f(p, q, reduction='nope') for f in (L.l1_loss,)]
[f(p, q, reduction='nope') for f in (L.mse_loss,)]
L.triplet_loss(p, q, logits, reduction='nope')
[f(p, q).dtype for f in (L.l1_loss, L.mse_loss, L.smooth_l1_loss, L.huber_loss, L.log_cosh_loss, L.hinge_loss, L.cosine_similarity_loss, L.kl_div_loss)]
[f(p.astype(mx.float16), q.astype(mx.float16)).dtype for f in (L.l1_loss, L.mse_loss, L.smooth_l1_loss, L.huber_loss, L.log_cosh_loss, L.hinge_loss, L.cosine_similarity_loss, L.kl_div_loss)]
[mx.grad(f)(p, q) for f in (L.l1_loss, L.mse_loss, L.smooth_l1_loss, L.huber_loss, L.log_cosh_loss, L.hinge_loss, L.kl_div_loss)]
mx.grad(lambda a: L.cross_entropy(a, classes, reduction='mean'))(logits)
mx.grad(lambda a: L.binary_cross_entropy(a, binary))(b4)
mx.grad(lambda a: L.cosine_similarity_loss(a, q, reduction='sum'))(p)
I = nn.init
[I.constant(2.0, d)(mx.zeros((2, 3))) for d in (mx.float32, mx.float16, mx.bfloat16)]
I.constant(3)(mx.zeros((2,), mx.int32))
[f(dtype=d)(mx.zeros((3, 4))).dtype for d in (mx.float32, mx.float16, mx.bfloat16) for f in (I.normal, I.uniform, I.glorot_normal, I.glorot_uniform, I.he_normal, I.he_uniform)]
[f()(mx.zeros((3, 4), mx.float16)).dtype for f in (I.normal, I.uniform, I.glorot_normal, I.glorot_uniform, I.he_normal, I.he_uniform)]
[(mx.random.seed(1), f()(mx.zeros((3, 4))))[1] for f in (I.normal, I.uniform, I.glorot_normal, I.glorot_uniform, I.he_normal, I.he_uniform)]
[(mx.random.seed(1), f()(mx.zeros((3, 2, 4))))[1] for f in (I.glorot_normal, I.glorot_uniform, I.he_normal, I.he_uniform)]
[(mx.random.seed(1), f()(mx.zeros((3, 4)), mode='fan_out'))[1] for f in (I.he_normal, I.he_uniform)]
[(mx.random.seed(1), f()(mx.zeros((3, 4)), gain=2.0))[1] for f in (I.glorot_normal, I.glorot_uniform, I.he_normal, I.he_uniform)]
(mx.random.seed(2), I.normal(1.0, 0.5)(mx.zeros((2, 2))))[1]
(mx.random.seed(2), I.uniform(-1, 3)(mx.zeros((2, 2))))[1]
I.glorot_normal()(mx.zeros(3))
I.he_uniform()(mx.zeros(3))
I.he_normal()(mx.zeros((2, 2)), mode='in')
I.he_uniform()(mx.zeros((2, 2)), 'fan')
[I.identity(d)(mx.zeros((3, 3))) for d in (mx.float32, mx.float16, mx.bfloat16)]
I.identity()(mx.zeros((3, 3, 3)))
I.identity()(mx.zeros(3))
I.identity()(mx.zeros((2, 3)))
[(mx.random.seed(1), (lambda a: (a.shape, a.dtype, mx.abs(a @ a.T - 4 * mx.eye(3)).max() < 1e-4))(I.orthogonal(2.0)(mx.zeros((3, 5)))))[1]]
I.orthogonal()(mx.zeros(3))
I.orthogonal()(mx.zeros((2, 3, 4)))
I.orthogonal(dtype=mx.float16)(mx.zeros((4, 3))).dtype
[(mx.random.seed(1), (lambda a: (a.shape, (a == 0).sum(axis=0)))(I.sparse(0.5)(mx.zeros((4, 6)))))[1]]
(mx.random.seed(1), I.sparse(0.5, 2.0, 0.3)(mx.zeros((4, 6))))[1]
I.sparse(0.3, dtype=mx.float16)(mx.zeros((4, 6))).dtype
I.sparse(0.5)(mx.zeros(3))
I.sparse(0.5)(mx.zeros((1, 2, 3)))
I.sparse()
OPT = [lambda: optim.SGD(0.1), lambda: optim.SGD(0.1, momentum=0.9), lambda: optim.SGD(0.1, 0.9, 0.01, 0.1, False), lambda: optim.SGD(0.1, momentum=0.9, nesterov=True), lambda: optim.RMSprop(0.1), lambda: optim.RMSprop(0.1, alpha=0.9, eps=1e-3), lambda: optim.Adagrad(0.1), lambda: optim.AdaDelta(0.1), lambda: optim.AdaDelta(0.1, rho=0.5, eps=1e-3), lambda: optim.Adam(0.1), lambda: optim.Adam(0.1, betas=[0.8, 0.9], eps=1e-3, bias_correction=True), lambda: optim.AdamW(0.1), lambda: optim.AdamW(0.1, weight_decay=0.3, bias_correction=True), lambda: optim.Adamax(0.1), lambda: optim.Lion(0.1), lambda: optim.Lion(0.1, betas=[0.8, 0.9], weight_decay=0.1), lambda: optim.Adafactor(), lambda: optim.Adafactor(0.1, relative_step=False), lambda: optim.Adafactor(0.1, beta_1=0.9, relative_step=False, scale_parameter=False, weight_decay=0.1), lambda: optim.Adafactor(warmup_init=True), lambda: optim.Muon(0.1), lambda: optim.Muon(0.1, momentum=0.8, weight_decay=0.1, nesterov=False, ns_steps=3)]
P = {'first': [mx.zeros((10,)), mx.zeros((1,))], 'second': mx.zeros((1,))}
W = lambda: {'w': mx.ones((4, 6)) * 0.3, 'c': mx.ones((4, 3, 3, 2)) * 0.2, 'b': [mx.ones((5,)), mx.array(2.0)]}
G = lambda t, k=0.1: tree_map(lambda a: k * (mx.arange(a.size).reshape(a.shape) + 1).astype(a.dtype), t)

def steps(o, t, n=3):
    for i in range(n):
        t = o.apply_gradients(G(t, 0.1 * (i + 1)), t)
    return t, o.state

[type(f()).__name__ for f in OPT]
[f().state for f in OPT]
[(lambda o: (o.init(W()), o.state))(f()) for f in OPT]
[(lambda o: (o.init(W()), o._initialized))(f()) for f in OPT]
[steps(f(), W()) for f in OPT[:14]]
[steps(f(), W()) for f in OPT[14:20]]
[steps(f(), {'w': mx.ones((4, 6)) * 0.3, 'b': mx.ones(5)}, 1) for f in OPT[20:]]
[[(k, v.dtype) for k, v in tree_flatten(steps(f(), tree_map(lambda a: a.astype(mx.bfloat16), W()), 2)[0])] for f in OPT]
[[(k, v.dtype) for k, v in tree_flatten(steps(f(), tree_map(lambda a: a.astype(mx.bfloat16), W()), 2)[1])] for f in OPT]
[[(k, v.dtype) for k, v in tree_flatten(steps(f(), tree_map(lambda a: a.astype(mx.float16), W()), 2)[0])] for f in OPT[:20]]
[(lambda o: (o.learning_rate, o.step))(f()) for f in OPT]
(lambda o: (setattr(o, 'learning_rate', 0.5), o.learning_rate, o.state))(optim.SGD(0.1))
(lambda o: (setattr(o, 'learning_rate', mx.array(0.5)), o.learning_rate))(optim.Adam(0.1))
(lambda o: (setattr(o, 'state', {'a': mx.ones(1)}), o.state, o._initialized))(optim.Adam(0.1))
(lambda o: (o.init(P), setattr(o, 'state', {'step': mx.array(3, mx.uint64), 'learning_rate': mx.array(0.1)}), o.apply_gradients(P, P)))(optim.SGD(0.1))
optim.SGD(lambda s: 0.1 / (s + 1)).learning_rate
steps(optim.SGD(lambda s: 0.1 / (s + 1)), {'a': mx.ones(2)})
steps(optim.Adam(optim.cosine_decay(0.1, 3)), {'a': mx.ones(2)}, 5)
steps(optim.Adafactor(optim.linear_schedule(0.1, 0.2, 3)), {'a': mx.ones((2, 3))}, 5)
optim.SGD(0.1, nesterov=True)
optim.SGD(0.1, momentum=0.9, dampening=0.1, nesterov=True)
optim.Adadelta(0.1) if hasattr(optim, 'Adadelta') else 0
optim.AdaDelta(0.1, eps=-1.0)
optim.RMSprop(0.1, eps=-1.0)
optim.Adam(0.1, betas=(0.9,)).betas
optim.Optimizer().state
optim.Optimizer({'learning_rate': lambda s: mx.array(s)}).state
optim.Optimizer().init(P)
optim.Optimizer().apply_gradients(P, P)
optim.Optimizer().apply_single(mx.ones(1), mx.ones(1), {})
optim.Adam(0.1).init_single(mx.ones(2), {})
(lambda s: (optim.Adam(0.1).init_single(mx.ones(2), s), s))({})
optim.Adam(0.1).apply_gradients({'first': [mx.ones((10,))]}, P)
optim.Adam(0.1).apply_gradients({'third': mx.ones((10,))}, P)
optim.Adam(0.1).apply_gradients(P, {'first': [mx.ones((10,))]})
(lambda m, o: (o.update(m, G(m.parameters())), m.parameters(), o.state))(nn.Linear(2, 2, bias=False).freeze(), optim.SGD(0.1)) and 1
(lambda m, o: (o.update(m, {'bias': mx.ones(2)}), m.bias, [k for k, _ in tree_flatten(o.state)]))(nn.Linear(2, 2), optim.SGD(0.1, momentum=0.1))[2]
(lambda m, o: o.update(m, {'nope': mx.ones(2)}))(nn.Linear(2, 2), optim.SGD(0.1, momentum=0.1))
M = lambda: optim.MultiOptimizer([optim.SGD(0.1, 0.9), optim.Adam(0.01)], [lambda k, w: w.ndim > 1])
M().state
(lambda o: (o.init(W()), o.state))(M())
steps(M(), W())
(lambda o: (o.learning_rate, o._initialized))(M())
(lambda o: (setattr(o, 'learning_rate', 0.5), o.learning_rate, o.state))(M())
(lambda o: (steps(o, W()), setattr(o, 'state', o.state), o.state))(M())[2]
(lambda o: setattr(o, 'state', {'states': [1]}))(M())
optim.MultiOptimizer([optim.SGD(0.1), optim.Adam(0.01)], [])
len(optim.MultiOptimizer([optim.SGD(0.1)]).optimizers)
optim.MultiOptimizer([optim.SGD(0.1)], [lambda *a: True])
[optim.cosine_decay(0.1, 10)(i) for i in range(12)]
[optim.cosine_decay(0.1, 10, 0.05)(mx.array(i)) for i in range(12)]
[optim.exponential_decay(0.1, 0.9)(i) for i in range(4)]
[optim.step_decay(0.1, 0.9, 2)(i) for i in range(6)]
[optim.linear_schedule(0.0, 0.1, 5)(i) for i in range(8)]
[optim.linear_schedule(0.5, 0.1, 5)(mx.array(i)) for i in range(8)]
optim.linear_schedule(0.0, 0.1, 0)
optim.linear_schedule(0.0, 0.1, -1)
[optim.join_schedules([optim.linear_schedule(0.0, 0.1, 5), optim.cosine_decay(0.1, 5)], [5])(mx.array(i)) for i in range(10)]
optim.join_schedules([optim.linear_schedule(0.0, 0.1, 5)], [5])
optim.join_schedules([optim.linear_schedule(0.0, 0.1, 5)], [])(3)
optim.join_schedules([lambda s: s, lambda s: 2 * s, lambda s: 3 * s], [2, 4])(mx.array(5))
optim.clip_grad_norm({'a': mx.array([3.0, 4.0])}, 10.0)
optim.clip_grad_norm({'a': mx.array([3.0, 4.0]), 'b': [mx.array([12.0])]}, max_norm=1.0)
optim.clip_grad_norm({}, 1.0)
optim.clip_grad_norm(mx.array([3.0, 4.0]), 1)
optim.clip_grad_norm({'a': mx.zeros(3)}, 0.0)
tree_map(lambda a: a + 1, [1, (2, {'x': 3})])
tree_map(lambda a, b: a + b, {'x': [1, 2]}, {'x': [3, 4]})
tree_map(lambda a, b: a + b, {'x': [1, 2]}, {'y': [3, 4]})
tree_map(lambda a, b: a + b, [1, 2], [3])
tree_map(lambda a: a, {'x': [1, 2]}, is_leaf=lambda t: isinstance(t, list))
tree_map(lambda a: 2 * a, 4)
tree_map(lambda a: a, [])
tree_map(lambda a: a, {})
tree_map(lambda a: a, None)
tree_map_with_path(lambda p, a: (p, a), {'a': {'b': [1, (2,)]}})
tree_map_with_path(lambda p, a: (p, a), [1, [2]], prefix='m')
tree_map_with_path(lambda p, a: (p, a), {'a': [1]}, is_leaf=lambda t: isinstance(t, list))
tree_map_with_path(lambda p, a: p, 3)
tree_flatten({'a': 1, 'b': [2, {'c': 3}]})
tree_flatten([1, (2, [3])])
tree_flatten({'a': 1}, prefix='.x')
tree_flatten({'a': 1}, prefix='x')
tree_flatten({'a': [1, 2]}, is_leaf=lambda t: isinstance(t, list))
tree_flatten({'a': 1, 'b': [2]}, destination={})
tree_flatten({'a': 1, 'b': [2]}, destination=[('z', 0)])
tree_flatten({'a': 1, 'b': [2]}, '.p', destination={'q': 1})
tree_flatten([])
tree_flatten({})
tree_flatten({'a': [], 'b': {}, 'c': ()})
tree_flatten(5)
tree_flatten(None)
tree_unflatten([('a', 1), ('b.0', 2), ('b.1.c', 3)])
tree_unflatten({'a': 1, 'b.0': 2})
tree_unflatten([('', 5)])
tree_unflatten([])
tree_unflatten({})
tree_unflatten([('0', 1), ('1', 2), ('3', 4)])
tree_unflatten([('1', 2), ('0', 1), ('10', 5)])
tree_unflatten([('a.b', 1), ('a.c', 2)])
tree_unflatten([('a', 1), ('a.c', 2)])
tree_reduce(lambda s, a: s + a, {'a': [1, 2], 'b': 3}, 0)
tree_reduce(lambda s, a: s + a, [1, 2, (3, 4)])
tree_reduce(lambda s, a: s + a, {'a': [1, 2]}, is_leaf=lambda t: isinstance(t, list))
tree_reduce(lambda s, a: s + len(a), {'a': [1, 2], 'b': [3]}, 0, is_leaf=lambda t: isinstance(t, list))
tree_reduce(lambda s, a: s + a, {})
tree_reduce(lambda s, a: s + a, {}, 4)
tree_reduce(lambda s, a: s + a, 3, 4)
tree_merge({'a': 1}, {'b': 2})
tree_merge({'a': {'x': 1}}, {'a': {'y': 2}})
tree_merge({'a': None}, {'a': 2})
tree_merge({'a': 1}, {'a': None})
tree_merge([1, None], [None, 2])
tree_merge([1], [None, 2, 3])
tree_merge((1,), (None, 2))
tree_merge({'a': [1]}, {'a': {'b': 1}})
tree_merge({'a': 1}, {'a': 2}, lambda a, b: a + b)
tree_merge({}, {'a': 2})
tree_merge([], {'a': 2})
tree_merge(None, None)

# Targets whose sums are not 1, and settings at their bounds.
rows = mx.array([[0.2, 0.7], [0.5, 0.3]])
nn.losses.cross_entropy(rows, mx.ones((2, 2)))
nn.losses.cross_entropy(rows, mx.array([[0.3, 0.6], [2.0, 0.0]]), label_smoothing=0.1)
nn.losses.cross_entropy(rows, mx.ones((2, 2), mx.int32), axis=0)
mx.grad(lambda x: nn.losses.cross_entropy(x, mx.ones((2, 2))).sum())(rows)
mx.grad(lambda t: nn.losses.cross_entropy(rows, t).sum())(mx.ones((2, 2)))
optim.RMSprop(0.1, eps=0)
optim.Adagrad(0.1, eps=0)
optim.AdaDelta(0.1, eps=0)
optim.Adam(0.1, eps=0).eps
optim.step_decay(0.1, 0.9, 0.5)
optim.cosine_decay(0.1, 0.5)
optim.linear_schedule(0.1, 0.2, 0.5)
