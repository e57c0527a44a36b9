# Convolutions: convolve, conv1d … conv_transpose3d, conv_general; stride, padding (pairs), dilation, groups, flip,
# dtypes, strided inputs, gradients, batches, errors.
import itertools

CLOSE = 4e-6
rng = np.random.default_rng(17)
def normal(*shape, dtype=mx.float32):
    return mx.array(rng.standard_normal(shape).astype(np.float32)).astype(dtype)

# ---- convolve
for n, m in itertools.product((1, 2, 5, 10), (1, 3, 4, 12)):
    for mode in ("full", "same", "valid"):
        mx.convolve(normal(n), normal(m), mode), mx.convolve(normal(n), normal(m), mode=mode)
    mx.convolve(normal(n), normal(m))
a, v = normal(6), normal(3)
mx.convolve(a, v, "other")
mx.convolve(a, normal(2, 2))
mx.convolve(mx.array(1.0), v)
mx.convolve(normal(0), v)
mx.convolve(mx.array([1, 2, 3]), mx.array([0, 1]))
mx.convolve(a.astype(mx.float16), v.astype(mx.float16)), mx.convolve(a.astype(mx.bfloat16), v.astype(mx.bfloat16)).dtype
mx.convolve(a, v.astype(mx.float16)).dtype
mx.convolve(a)
mx.convolve([1.0], v)
mx.convolve(a[::-1], v[::-1]), mx.convolve(a[::2], v), mx.convolve(a, v, stream=mx.cpu)
mx.grad(lambda a, v: (mx.convolve(a, v) ** 2).sum(), argnums=(0, 1))(a, v)

# ---- one axis
for groups, stride, padding, dilation in itertools.product((1, 2), (1, 2, 3), (0, 1, 2), (1, 2)):
    for n, c, o, k in ((9, 4, 6, 3), (8, 2, 4, 1), (12, 6, 2, 4)):
        x, w = normal(2, n, c), normal(o, k, c // groups)
        mx.conv1d(x, w, stride, padding, dilation, groups)
        mx.conv1d(x, w, stride=stride, padding=padding, dilation=dilation, groups=groups)
        mx.conv_general(x, w, stride, padding, dilation, 1, groups)
        mx.conv_general(x, w, [stride], [padding], [dilation], [1], groups, True)
        mx.conv_general(x, w, stride, ([padding], [padding + 1]), dilation, 2, groups)
        wt = normal(o, k, c // groups)
        mx.conv_transpose1d(x, wt, stride, padding, dilation, 0, groups) if padding <= dilation * (k - 1) else None
        for extra in (0, 1):
            mx.conv_transpose1d(x, wt, stride=stride, padding=padding, dilation=dilation, output_padding=extra,
                groups=groups) if extra < stride and padding <= dilation * (k - 1) else None
x, w = normal(2, 8, 4), normal(5, 3, 4)
mx.conv1d(x, w), mx.conv1d(input=x, weight=w), mx.conv1d(x, w, stream=mx.cpu), mx.conv1d(x[::-1], w)
mx.conv1d(x.swapaxes(0, 2)[:, :, ::1].swapaxes(0, 2), w[:, ::-1]), mx.conv1d(x[:, ::2], w)
mx.conv1d(normal(2, 4, 8).swapaxes(1, 2), w)

# ---- two axes
for groups, stride, padding, dilation in itertools.product((1, 2), (1, 2, (2, 1)), (0, 1, (2, 0)), (1, (1, 2))):
    for size, c, o, k in (((6, 7), 4, 6, (3, 3)), ((5, 5), 2, 4, (1, 1)), ((8, 6), 6, 2, (2, 3))):
        x, w = normal(2, *size, c), normal(o, *k, c // groups)
        mx.conv2d(x, w, stride, padding, dilation, groups)
        mx.conv_general(x, w, stride, padding, dilation, 1, groups)
        mx.conv_general(x, w, stride=stride, padding=padding, kernel_dilation=dilation, input_dilation=(2, 1),
            groups=groups, flip=True)
        mx.conv_general(x, w, stride=stride, padding=((1, 0), (2, 1)), kernel_dilation=dilation, groups=groups)
        if max(np.ravel(padding)) < min(k) or padding == 0:
            mx.conv_transpose2d(x, w, stride, padding, dilation, 0, groups)
            mx.conv_transpose2d(x, w, stride=(2, 3), padding=padding, output_padding=(1, 2), groups=groups)
x, w = normal(1, 6, 6, 3), normal(4, 3, 3, 3)
mx.conv2d(x, w), mx.conv2d(x, w, [1, 2], [1, 0]), mx.conv2d(x, w, stream=mx.cpu), mx.conv2d(x[:, ::-1, ::2], w)
mx.conv2d(normal(1, 3, 6, 6).transpose(0, 2, 3, 1), w), mx.conv2d(x, normal(4, 3, 3, 3).transpose(0, 2, 1, 3))
mx.conv2d(mx.broadcast_to(x, (3, 6, 6, 3)), w), mx.conv2d(normal(0, 6, 6, 3), w)

# ---- three axes
for stride, padding, dilation in itertools.product((1, 2, (2, 1, 2)), (0, 1, (1, 0, 2)), (1, (1, 2, 1))):
    for c, o, k in ((2, 3, (3, 2, 2)), (1, 2, (1, 1, 1))):
        x, w = normal(1, 5, 6, 4, c), normal(o, *k, c)
        mx.conv3d(x, w, stride, padding, dilation)
        mx.conv_general(x, w, stride, padding, dilation)
        if padding == 0:
            mx.conv_transpose3d(x, w, stride, padding, dilation)
            mx.conv_transpose3d(x, w, stride=2, output_padding=1)
x, w = normal(1, 4, 4, 4, 2), normal(3, 2, 2, 2, 2)
mx.conv3d(x, w), mx.conv3d(x, w, (1, 2, 1), (0, 1, 0), (1, 1, 1), 1), mx.conv3d(x, w, stream=mx.cpu)
mx.conv_transpose3d(x, w)

# ---- dtypes
for d in (mx.float16, mx.bfloat16, mx.float32):
    for f, x, w in ((mx.conv1d, normal(1, 8, 4, dtype=d), normal(2, 3, 4, dtype=d)),
            (mx.conv2d, normal(1, 6, 6, 4, dtype=d), normal(2, 3, 3, 4, dtype=d)),
            (mx.conv3d, normal(1, 4, 4, 4, 2, dtype=d), normal(2, 2, 2, 2, 2, dtype=d)),
            (mx.conv_transpose1d, normal(1, 8, 4, dtype=d), normal(2, 3, 4, dtype=d)),
            (mx.conv_transpose2d, normal(1, 6, 6, 4, dtype=d), normal(2, 3, 3, 4, dtype=d))):
        f(x, w), f(x, w).dtype, f(x, w.astype(mx.float32)).dtype, f(x.astype(mx.float32), w).dtype
for f, x, w in ((mx.conv1d, mx.ones((1, 8, 4), mx.int32), mx.ones((2, 3, 4), mx.int32)),
        (mx.conv2d, mx.ones((1, 6, 6, 4), mx.bool_), mx.ones((2, 3, 3, 4))),
        (mx.conv_general, mx.ones((1, 8, 4), mx.uint8), mx.ones((2, 3, 4), mx.uint8))):
    f(x, w)

# ---- errors
for f, x, w, stride in ((mx.conv1d, (1, 8, 4), (2, 3, 4), 1), (mx.conv2d, (1, 6, 6, 4), (2, 3, 3, 4), (1, 1)),
        (mx.conv3d, (1, 4, 4, 4, 2), (2, 2, 2, 2, 2), (1, 1, 1)), (mx.conv_transpose1d, (1, 8, 4), (2, 3, 4), 1),
        (mx.conv_transpose2d, (1, 6, 6, 4), (2, 3, 3, 4), (1, 1)),
        (mx.conv_transpose3d, (1, 4, 4, 4, 2), (2, 2, 2, 2, 2), (1, 1, 1)),
        (mx.conv_general, (1, 8, 4), (2, 3, 4), [1])):
    x, w = normal(*x), normal(*w)
    f(x, w[..., :1])
    f(x[0], w)
    f(x[None], w)
    f(x, w[0])
    f(x, w[None])
    f(x, w, stride)
    f(x, w, -1)
    f(x, w, 1.5)
    f(x, w, "a")
    f(x, w, (1, 1, 1, 1))
    f(x, w, 1, -1)
    f(x, w, 1, (0, 0, 0, 0, 0))
    f(x, w, groups=3)
    f(x, w, groups=-1)
    f(x, w, nonsense=1)
    f(x)
    f(x, None)
    f(mx.array(1.0), w) if "transpose" not in f.__name__ else None
    f(x[:, :1], w)
    f(x, np.ones(w.shape, np.float32))
    f([[1.0]], w)
mx.conv_general(normal(1, 8, 4), normal(2, 3, 4), padding=([1, 1], [0]))
mx.conv_general(normal(1, 8, 4), normal(2, 3, 4), padding=([1], [0]))
mx.conv_general(normal(1, 8, 4), normal(2, 3, 4), padding=[(1, 2)])
mx.conv_general(normal(1, 8, 4), normal(2, 3, 4), padding=(1,))
mx.conv_general(normal(1, 8, 4), normal(2, 3, 4), padding="same")
mx.conv_general(normal(4, 4), normal(4, 4))

# ---- gradients and batches
for f, x, w, options in ((mx.conv1d, (2, 8, 4), (6, 3, 4), {}),
        (mx.conv1d, (2, 9, 4), (6, 3, 4), dict(stride=2, padding=1)),
        (mx.conv1d, (2, 9, 4), (6, 3, 4), dict(dilation=2)),
        (mx.conv1d, (2, 9, 4), (6, 3, 2), dict(groups=2, stride=2)), (mx.conv1d, (2, 9, 4), (4, 3, 1), dict(groups=4)),
        (mx.conv2d, (2, 6, 5, 3), (4, 3, 2, 3), {}),
        (mx.conv2d, (2, 6, 5, 3), (4, 3, 2, 3), dict(stride=(2, 1), padding=(1, 0))),
        (mx.conv2d, (2, 6, 6, 4), (4, 3, 3, 2), dict(groups=2)),
        (mx.conv2d, (2, 6, 6, 4), (4, 3, 3, 1), dict(groups=4, padding=1)),
        (mx.conv2d, (1, 7, 7, 2), (3, 2, 2, 2), dict(dilation=2, stride=2)),
        (mx.conv3d, (1, 4, 5, 4, 2), (3, 2, 2, 2, 2), {}),
        (mx.conv3d, (1, 4, 5, 4, 2), (3, 2, 2, 2, 2), dict(stride=2, padding=1)),
        (mx.conv_transpose1d, (2, 8, 4), (6, 3, 4), {}),
        (mx.conv_transpose1d, (2, 8, 4), (6, 3, 4), dict(stride=2, padding=1, output_padding=1)),
        (mx.conv_transpose2d, (2, 4, 5, 3), (4, 3, 2, 3), {}),
        (mx.conv_transpose2d, (2, 4, 5, 3), (4, 3, 2, 3), dict(stride=2, padding=1)),
        (mx.conv_transpose2d, (1, 4, 4, 4), (4, 2, 2, 2), dict(groups=2)),
        (mx.conv_general, (2, 8, 4), (6, 3, 4), dict(input_dilation=2, flip=True)),
        (mx.conv_general, (1, 6, 6, 2), (3, 3, 3, 2), dict(padding=((1, 0), (2, 1)), stride=2))):
    x, w = normal(*x), normal(*w)
    g = normal(*f(x, w, **options).shape)
    mx.grad(lambda x, w: (f(x, w, **options) * g).sum(), argnums=(0, 1))(x, w)
    mx.vjp(lambda x, w: f(x, w, **options), [x, w], [g])[1]
    mx.vmap(lambda x: f(x, w, **options))(mx.stack([x, x + 1])) if "groups" not in options else None
    mx.vmap(lambda w: f(x, w, **options))(mx.stack([w, w + 1])) if "groups" not in options else None
    mx.vmap(lambda x, w: f(x, w, **options))(mx.stack([x, x + 1]),
        mx.stack([w, w + 1])) if "groups" not in options and x.ndim < 5 else None
    mx.grad(lambda x: (mx.grad(lambda x: (f(x, w,
        **options) ** 2).sum())(x)).sum())(x) if "groups" not in options else None

# ---- docs/differences.md
mx.conv_general(normal(1, 2, 2, 2, 2, 2), normal(1, 2, 2, 2, 2, 2))  # differs: convolutions over four spatial axes
mx.jvp(mx.conv1d, [normal(1, 8, 2), normal(3, 2, 2)], [normal(1, 8, 2), normal(3, 2, 2)])  # differs: tangents of convolutions
mx.vmap(mx.conv3d)(normal(2, 1, 4, 4, 4, 2), normal(2, 1, 2, 2, 2, 2))  # differs: `vmap` of both arguments of a convolution
mx.conv_transpose1d(mx.array(1.0), normal(1, 2, 2))  # differs: `conv_transpose…` of a 0-d array
