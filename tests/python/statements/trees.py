# Trees as in_axes and out_axes, argnums and argnames of every kind, derivatives of higher orders and whole Jacobians.
x = mx.array([1.0, 2.0, 3.0])
m = mx.arange(6, dtype=mx.float32).reshape(2, 3)
tree = {"a": m, "b": [m + 1, m.T]}

# ---- axes
def of_tree(d):
    return {"s": d["a"] + d["b"][0], "t": d["b"][1].sum()}

in_axes = [0, -1, 1, 5, None, "x", 1.0, True, (0,), (-1,), (1,), (None,), (0, 0), ((0,),), [0], {"a": 0}, ({"a": 0},),
    ({"a": 0, "b": 0},), ({"a": 0, "b": [0, 1]},), ({"a": 0, "b": [0, None]},), ({"a": None, "b": [None, 1]},),
    ({"a": 0, "b": [0]},), ({"a": 0, "b": (0, 1)},), ({"a": 0, "b": [0, 1], "c": 0},)]
out_axes = [0, 1, None, "x", (0,), [0, 0], {"s": 0, "t": 0}, {"s": 1, "t": 0}, {"s": -1, "t": -1}, {"s": 0},
    {"s": 0, "t": None}]
for given in in_axes:
    for wanted in out_axes:
        mx.vmap(of_tree, in_axes=given, out_axes=wanted)(tree)
def of_all(a, b, *more, **named):
    return a + b, [a * b], {"k": named["s"] * a} if named else {}, more

one = mx.array(2.0)
calls = [((m, m), {}), ((m, m), {"s": m}), ((m, m, m), {}), ((m, x), {}), ((m, 2.0), {}), ((m, m, None), {}),
    ((m, m, "s"), {}), ((m, [m]), {}), ((m,), {}), ((m, m), {"s": 3}), ((m, m), {"s": x})]
for given in [0, (0, 0), (0, None), (1, 1), (0, 0, 0), (None, 0), (0, 1)]:
    for arguments, named in calls:
        mx.vmap(of_all, in_axes=given)(*arguments, **named)

# ---- arguments that gradients are asked for
def loss(a, b, c=1.0, *, d=None):
    return (a * b).sum() * c + (0 if d is None else (d * a).sum())

asked = [{}, {"argnums": 0}, {"argnums": 1}, {"argnums": -1}, {"argnums": [0, 1]}, {"argnums": (1, 0)},
    {"argnums": [1]}, {"argnums": []}, {"argnums": 2}, {"argnums": 5}, {"argnums": [0, 0]}, {"argnums": None}, {"argnums": "0"},
    {"argnums": 1.0}, {"argnums": [-2, 1]}, {"argnums": True}, {"argnums": mx.array(0)}, {"argnums": np.int64(0)},
    {"argnums": range(2)}, {"argnums": {0}}, {"argnums": [0, "a"]}, {"argnames": "d"}, {"argnames": ["d"]},
    {"argnames": ("d", "b")}, {"argnames": []}, {"argnames": "z"}, {"argnames": ["d", "d"]}, {"argnames": 3},
    {"argnames": {"d"}}, {"argnums": 0, "argnames": "d"}, {"argnums": [0, 1], "argnames": ["d"]},
    {"argnums": [], "argnames": "d"}]
calls = [((x, x + 1), {"d": x}), ((x, x + 1, one), {}), ((x,), {"b": x, "d": x}), ((), {"a": x, "b": x, "d": x}),
    ((x, x, 2.0), {"d": x})]
for wanted in asked:
    for arguments, named in calls:
        mx.grad(loss, **wanted)(*arguments, **named)
        mx.value_and_grad(loss, **wanted)(*arguments, **named)

# ---- higher orders, Hessians, Jacobians
def wave(v):
    return mx.sin(v) * mx.exp(v * 0.5)

for order in range(4):
    wave = mx.grad(wave)
    show(wave(mx.array(0.7)), mx.vmap(wave)(x), mx.compile(wave)(mx.array(0.7)), mx.compile(mx.vmap(wave))(x))
    show(mx.vmap(mx.compile(wave))(x))
def hessian(f):
    return lambda v: mx.stack([mx.grad(lambda u: mx.grad(f)(u)[i])(v) for i in range(v.size)])

def jacobian(f):
    return lambda v: mx.vmap(lambda c: mx.vjp(f, [v], [c])[1][0])(mx.eye(v.size))

def forward_jacobian(f):
    return lambda v: mx.vmap(lambda t: mx.jvp(f, [v], [t])[1][0], out_axes=1)(mx.eye(v.size))

for f in [lambda v: (v ** 3).sum() * v[0], lambda v: mx.linalg.norm(v), mx.logsumexp, lambda v: mx.softmax(v)[0],
        lambda v: mx.cumsum(v * v)[2] * v[1], mx.prod]:
    hessian(f)(x)
for f in [mx.sin, lambda v: v[::-1] * v, mx.softmax, mx.cumsum, lambda v: mx.sort(-v),
        lambda v: mx.concatenate([v, v * 2])[1:4], lambda v: v[mx.array([2, 0, 0])], lambda v: mx.outer(v, v)[0],
        lambda v: mx.fast.rms_norm(v, None, 1e-5), lambda v: mx.pad(v[1:], (1, 0)) * v,
        lambda v: mx.where(v > 1.5, v, v * v), lambda v: mx.roll(v, 1) ** 2]:
    jacobian(f)(x), forward_jacobian(f)(x), mx.compile(jacobian(f))(x)
    mx.grad(lambda v: jacobian(f)(v).sum())(x), mx.grad(lambda v: forward_jacobian(f)(v).sum())(x)
