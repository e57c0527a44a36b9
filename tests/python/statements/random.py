# random: keys, seeds, state; every distribution with shapes, dtypes, bounds as numbers and arrays, keys; the same
# numbers as mlx; statistics; errors.
import threading

names = ["bool_", "uint8", "uint16", "uint32", "uint64", "int8", "int16", "int32", "int64", "float16", "bfloat16",
    "float32", "complex64"]
dtypes = [getattr(mx, name) for name in names]
floats = (mx.float32, mx.float16, mx.bfloat16)
shapes = ((), (1,), (5,), (2, 3), (0,), (2, 0, 3), [4, 1], (3, 5, 7), (1001,))
key = mx.random.key(7)

# ---- keys and state
for seed in (0, 1, 2, 42, 2**31, 2**32 - 1, 2**32, 2**33 + 5, 2**63, 2**64 - 1):
    mx.random.key(seed), mx.random.key(seed).dtype, mx.random.key(seed).shape
    mx.random.split(mx.random.key(seed)), mx.random.split(mx.random.key(seed), 5)
    mx.random.split(mx.random.key(seed), num=1), mx.random.split(key=mx.random.key(seed), num=3).shape
    mx.random.seed(seed)
    mx.random.uniform(), mx.random.normal((3,)), mx.random.uniform(shape=(2, 2)), mx.random.randint(0, 10, (5,))
    mx.random.bernoulli(), mx.random.permutation(5)
mx.random.key(-1)
mx.random.key(2**64)
mx.random.key(1.5)
mx.random.key()
mx.random.seed(np.int64(3)), mx.random.key(np.uint32(3)), mx.random.seed(np.float32(3))
mx.random.seed(-1)
mx.random.seed(1.5)
mx.random.seed()
mx.random.seed(None)
mx.random.split(key, 0)
mx.random.split(key, -1)
mx.random.split(mx.array([1, 2]))
mx.random.split(mx.array([1], mx.uint32))
mx.random.split(mx.array(1, mx.uint32))
mx.random.split(mx.random.split(key, 3))  # differs: random functions with several keys
mx.random.split(None)
mx.random.split([1, 2])
mx.random.seed(5)
type(mx.random.state), len(mx.random.state), mx.random.state, mx.random.state[0].dtype
a = mx.random.uniform(shape=(3,))
mx.random.seed(5)
b = mx.random.uniform(shape=(3,))
mx.array_equal(a, b), mx.array_equal(b, mx.random.uniform(shape=(3,)))
mx.random.seed(5)
mx.eval(mx.random.state)
mx.random.state
kept = mx.random.state[0]
c = mx.random.normal((2,))
mx.array_equal(kept, mx.random.state[0])
mx.random.state[0] = kept
mx.array_equal(c, mx.random.normal((2,)))
mx.random.seed(3)
results = [mx.random.uniform().item() for _ in range(4)]
results, len(set(results))
mx.random.seed(3)
[mx.random.uniform().item() for _ in range(4)] == results
def seeded():
    mx.random.seed(9)
    out.append(mx.random.uniform(shape=(3,)).tolist())

out = []
threads = [threading.Thread(target=seeded) for _ in range(3)]
[t.start() for t in threads], [t.join() for t in threads]
out[0] == out[1] == out[2]
out[0]
mx.random.uniform().item() in out[0]
mx.random.nope
mx.random.bits

# ---- uniform
for shape in shapes:
    for d in floats:
        mx.random.uniform(shape=shape, dtype=d, key=key), mx.random.uniform(0, 1, shape, d, key)
        mx.random.uniform(low=-1, high=3, shape=shape, dtype=d, key=key), mx.random.uniform(2.5, 2.5, shape, d, key)
        mx.random.uniform(5, 1, shape, d, key)
    mx.random.uniform(shape=shape, key=key).dtype, mx.random.uniform(shape=shape, dtype=None, key=key).dtype
for low, high in ((0, 1), (-1.5, 1), (mx.array(0), mx.array(2)), (mx.array([0.0, 10.0]), mx.array([1.0, 20.0])),
        (mx.array([0.0, 10.0]), 30), (mx.array([[0.0], [1.0]]), mx.array([2.0, 3.0, 4.0])),
        (mx.array(0.0, mx.float16), 1), (True, 2), (mx.array([1, 2]), 5), (0, np.float32(3))):
    mx.random.uniform(low, high, key=key)
    mx.random.uniform(low, high, (2, 2), key=key)
    mx.random.uniform(low, high, (3, 2, 3), key=key)
    mx.random.uniform(low, high, (2,), mx.float16, key)
mx.random.uniform(key=mx.random.split(key, 3))  # differs: random functions with several keys
mx.random.uniform(shape=(2, 3), key=mx.random.split(key, 2))  # differs: random functions with several keys
mx.random.uniform(shape=3, key=key)
mx.random.uniform(shape=(-1,), key=key)
mx.random.uniform(shape=(2.5,), key=key)
mx.random.uniform(dtype=mx.int32)
mx.random.uniform(dtype=mx.bool_)
mx.random.uniform(dtype=mx.complex64)
mx.random.uniform(dtype="float32")
mx.random.uniform("a")
mx.random.uniform(0, 1, (3,), key=mx.array([0, 0]))
mx.random.uniform(0, 1, (3,), key=mx.array([0, 0, 0], mx.uint32))
mx.random.uniform(0, 1, (3,), key=3)
mx.random.uniform(stream=mx.cpu).shape
mx.random.uniform(mx.zeros((2,)), mx.ones((3,)), key=key)
mx.random.uniform(mx.zeros((2,)), mx.ones((2,)), (3,), key=key)
u = mx.random.uniform(shape=(100000,), key=key)
mx.round(u.mean(), 4), mx.round(u.var(), 3), u.min() >= 0, u.max() < 1
for d in floats:
    w = mx.random.uniform(shape=(100000,), dtype=d, key=key)
    w.max() < 1, w.min() >= 0, mx.round(w.astype(mx.float32).mean(), 3)

# ---- normal
for shape in shapes:
    for d in floats:
        mx.random.normal(shape, d, key=key), mx.random.normal(shape=shape, dtype=d, loc=2, scale=3, key=key)
        mx.random.normal(shape, d, -1.5, 0.5, key), mx.random.normal(shape, d, mx.array(1.0), mx.array(2.0), key)
    mx.random.normal(shape, mx.complex64, key=key)
    mx.random.normal(shape, mx.complex64, 1 + 2j, 2, key)
    mx.random.normal(shape, key=key).dtype
mx.random.normal((2, 3), loc=mx.array([1.0, 2.0, 3.0]), key=key)
mx.random.normal((2, 3), scale=mx.array([[1.0], [100.0]]), key=key)
mx.random.normal((2,), loc=mx.array([1, 2]), key=key)
mx.random.normal((2,), mx.float16, loc=mx.array([1.0, 2.0]), key=key)
mx.random.normal((2,), loc=None, scale=None, key=key), mx.random.normal((2,), None, key=key)
mx.random.normal((2,), loc=mx.array([1.0, 2.0, 3.0]), key=key)
mx.random.normal(key=key), mx.random.normal([], key=key), mx.random.normal(key=key).shape
mx.random.normal((2,), mx.int32)
mx.random.normal((2,), mx.bool_)
mx.random.normal(3)
mx.random.normal((3,), scale="a")
mx.random.normal((3,), loc=1j, key=key)
mx.random.normal((3,), scale=0, key=key), mx.random.normal((3,), scale=-1, key=key)
n = mx.random.normal((100000,), loc=3, scale=2, key=key)
n.mean(), n.std()
mx.random.normal((3,), key=key, stream=mx.cpu)

# ---- integers
for d in dtypes:
    mx.random.randint(0, 10, (20,), d, key)
    mx.random.randint(0, 100, (2, 3), d, key)
for low, high in ((0, 10), (-5, 5), (5, 6), (0, 1), (3, 3), (10, 0), (0, 2**31 - 1), (-(2**31), 2**31 - 1),
        (mx.array([0, 10]), mx.array([5, 20])), (mx.array(0), 5), (mx.array([[0], [100]]), mx.array([10, 200, 300])),
        (1.5, 4.5), (mx.array(0.5), 3), (True, 5)):
    mx.random.randint(low, high, key=key)
    mx.random.randint(low, high, (6, 2) if not isinstance(high, mx.array) else (), key=key)
    mx.random.randint(low=low, high=high, shape=(2, 2), dtype=mx.int64, key=key)
mx.random.randint(0, 10, dtype=None, key=key).dtype, mx.random.randint(0, 10, key=key).dtype
mx.random.randint(0, 10, (0,), key=key)
mx.random.randint(5)
mx.random.randint()
mx.random.randint(0, 10, 3)
mx.random.randint(0, 10, (3,), mx.float32)
mx.random.randint(0, 10, (3,), "int32")
mx.random.randint(0, 10, (-1,))
mx.random.randint("a", 3)
mx.random.randint(mx.array([0, 1]), mx.array([1, 2, 3]))
r = mx.random.randint(-3, 4, (10000,), key=key)
r.min(), r.max(), r.astype(mx.float32).mean()

# ---- coins
for p in (0.5, 0.0, 1.0, 0.25, mx.array(0.3), mx.array([0.1, 0.5, 0.9]), mx.array([[0.2], [0.8]]),
        mx.array(0.5, mx.float16), mx.array([0, 1]), True, 1, 2.0, -1.0, mx.array([0.5], mx.bfloat16)):
    mx.random.bernoulli(p, key=key), mx.random.bernoulli(p, key=key).dtype
    mx.random.bernoulli(p, (2, 3), key)
    mx.random.bernoulli(p=p, shape=(4, 2, 3), key=key)
    mx.random.bernoulli(p, [], key)
    mx.random.bernoulli(p, None, key)
mx.random.bernoulli(mx.array([0.1, 0.2]), (3,), key)
mx.random.bernoulli("a")
mx.random.bernoulli(0.5, 3)
mx.random.bernoulli(0.5, (-1,))
mx.random.bernoulli(1j)
mx.random.bernoulli(0.3, (100000,), key).astype(mx.float32).mean()

# ---- others
for shape in shapes:
    for d in floats:
        mx.random.gumbel(shape, d, key).shape, mx.random.gumbel(shape, d, key).dtype
        mx.random.laplace(shape, d, key=key), mx.random.laplace(shape, d, 2.0, 3.0, key)
        mx.random.laplace(shape=shape, dtype=d, loc=-1, scale=0.5, key=key)
        mx.random.truncated_normal(-1, 1, shape, d, key).shape
        mx.random.truncated_normal(-1.0, 2.0, shape, d, key).dtype
    mx.random.gumbel(shape, key=key).shape
    mx.round(mx.random.truncated_normal(-2, 2, shape, key=key), 3).shape
mx.random.truncated_normal(mx.array([-1.0, 0.0]), mx.array([1.0, 2.0]), key=key).shape
mx.random.truncated_normal(0, mx.array([1.0, 2.0]), (3, 2), key=key).shape
mx.random.truncated_normal(-1, 1, None, key=key).shape
mx.random.truncated_normal(lower=0, upper=1, shape=(2,), dtype=mx.float16, key=key).dtype
mx.random.truncated_normal(mx.array([-1.0, 0.0]), mx.array([1.0, 2.0]), (3,), key=key)
mx.random.truncated_normal(-1, 1, (2,), mx.int32)
mx.random.truncated_normal(-1)
mx.random.truncated_normal()
mx.random.gumbel((2,), mx.int32)
mx.random.gumbel(3)
mx.random.laplace((2,), mx.int32)
mx.random.laplace(3)
mx.random.laplace((2,), mx.complex64)
mx.random.laplace((2,), loc=mx.array(1.0), key=key)
mx.random.laplace((2,), loc="a")
t = mx.random.truncated_normal(-1, 2, (20000,), key=key)
t.min() >= -1, t.max() <= 2, mx.round(t.mean(), 2), mx.round(t.std(), 2)
g = mx.random.gumbel((50000,), key=key)
mx.round(g.mean(), 2), mx.round(g.std(), 1)
l = mx.random.laplace((50000,), key=key)
l.mean(), l.std()
mean, cov = mx.array([1.0, -2.0]), mx.array([[2.0, 0.5], [0.5, 1.0]])
mx.random.multivariate_normal(mean, cov, key=key, stream=mx.cpu).shape
mx.random.multivariate_normal(mean, cov, (3,), key=key, stream=mx.cpu).shape
mx.random.multivariate_normal(mean, cov, (2, 3), mx.float32, key, stream=mx.cpu).dtype
m = mx.random.multivariate_normal(mean, cov, (50000,), key=key, stream=mx.cpu)
mx.abs(m.mean(0) - mean).max() < 0.03, mx.abs(((m - mean).T @ (m - mean)) / 50000 - cov).max() < 0.05
mx.random.multivariate_normal(mx.zeros((3, 2)), cov, (3,), key=key, stream=mx.cpu).shape
mx.random.multivariate_normal(mean, mx.stack([cov, cov, cov]), (3,), key=key, stream=mx.cpu).shape
mx.random.multivariate_normal(mx.zeros((3, 2)), cov, key=key, stream=mx.cpu).shape
mx.random.multivariate_normal(mx.zeros((3, 2)), cov, (2,), key=key, stream=mx.cpu)
mx.random.multivariate_normal(mx.array(1.0), cov, stream=mx.cpu)
mx.random.multivariate_normal(mean, mx.array([1.0, 2.0]), stream=mx.cpu)
mx.random.multivariate_normal(mean, mx.ones((2, 3)), stream=mx.cpu)
mx.random.multivariate_normal(mean, mx.eye(3), stream=mx.cpu)
mx.random.multivariate_normal(mean, cov, (2,), mx.float16, stream=mx.cpu)
mx.random.multivariate_normal(mean, cov, (2,), mx.int32, stream=mx.cpu)
mx.random.multivariate_normal(mean, stream=mx.cpu)
logits = mx.random.normal((4, 6), key=mx.random.key(1))
for axis in (-1, 0, 1, -2):
    mx.random.categorical(logits, axis, key=key), mx.random.categorical(logits, axis=axis, num_samples=5, key=key)
    mx.random.categorical(logits, axis, num_samples=1, key=key).shape
for x in (logits, logits[0], logits[:1], logits.astype(mx.float16), logits.astype(mx.bfloat16), logits.T,
        mx.random.normal((2, 3, 5), key=key), mx.zeros((5,)), mx.array([0.0, -float("inf"), 1.0]), mx.array([1, 2, 3])):
    mx.random.categorical(x, key=key), mx.random.categorical(x, key=key).dtype
    mx.random.categorical(x, num_samples=7, key=key)
    mx.random.categorical(x, shape=(3, *x.shape[:-1]), key=key)
    mx.random.categorical(x, shape=x.shape[:-1], key=key)
mx.random.categorical(logits, 2)
mx.random.categorical(logits, -3)
mx.random.categorical(logits, shape=(4,), num_samples=2)
mx.random.categorical(logits, shape=(5,), key=key)
mx.random.categorical(logits, num_samples=0, key=key).shape  # differs: random functions with several keys
mx.random.categorical(logits, num_samples=-1)
mx.random.categorical(mx.array(1.0))
mx.random.categorical([1.0, 2.0])
mx.random.categorical(logits, axis=None)
mx.random.categorical(mx.zeros((0, 3)), key=key).shape  # differs: random functions with several keys
mx.random.categorical(mx.log(mx.array([0.1, 0.2, 0.7])), num_samples=20000, key=key).astype(mx.float32).mean()
for x in (5, 1, 0, 10, mx.arange(7), mx.arange(12).reshape(3, 4), mx.arange(12).reshape(3, 4).T, mx.array([1.5, 2.5]),
        mx.array([True, False, True]), mx.array([], mx.float32)):
    mx.random.permutation(x, key=key)
    mx.random.permutation(x, 0, key)
    mx.random.permutation(x, axis=-1, key=key)
    mx.random.permutation(x, 1, key)
mx.random.permutation(5, key=key).dtype
mx.random.permutation(mx.array(1), key=key)
mx.random.permutation(-1)
mx.random.permutation(2.5)
mx.random.permutation(mx.arange(3), 5)
mx.random.permutation([1, 2, 3])
mx.sort(mx.random.permutation(1000, key=key))[::100]

# ---- under transforms
mx.vmap(lambda k: mx.random.uniform(shape=(3,), key=k))(mx.random.split(key, 4))
mx.vmap(lambda k: mx.random.normal((2,), key=k))(mx.random.split(key, 3))
mx.vmap(lambda k: mx.random.randint(0, 10, (2,), key=k))(mx.random.split(key, 3))
mx.vmap(lambda k: mx.random.split(k))(mx.random.split(key, 3))
mx.grad(lambda x: (mx.random.uniform(0, x, (5,), key=key)).sum())(mx.array(2.0))
mx.grad(lambda x: mx.random.normal((5,), scale=x, key=key).sum())(mx.array(2.0))
mx.grad(lambda x: mx.random.normal((5,), loc=x, key=key).sum())(mx.array(2.0))
mx.vmap(lambda k, x: mx.random.permutation(x, key=k))(mx.random.split(key, 2), mx.arange(6).reshape(2, 3))
@mx.compile
def drawn(x):
    return x + mx.random.uniform(shape=(2,), key=key)

drawn(mx.array(1.0))
