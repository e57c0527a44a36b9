# fft: every transform with n, s, axes, norm; real, complex and integer input; strides, batches, empty; frequencies,
# shifts, stft; gradients; errors.
import itertools

rng = np.random.default_rng(5)
def real(*shape):
    return mx.array(rng.standard_normal(shape).astype(np.float32))

def complexes(*shape):
    return mx.array((rng.standard_normal(shape) + 1j * rng.standard_normal(shape)).astype(np.complex64))

ones = ("fft", "ifft", "rfft", "irfft")
twos = ("fft2", "ifft2", "rfft2", "irfft2")
many = ("fftn", "ifftn", "rfftn", "irfftn")
norms = ("backward", "ortho", "forward")
def taken(name, shape):
    return real(*shape) if name.startswith("rfft") else complexes(*shape)

# ---- one axis
for name in ones:
    f = getattr(mx.fft, name)
    for size in (1, 2, 3, 4, 5, 7, 8, 9, 12, 15, 16, 17, 25, 31, 32, 49, 60, 64, 97, 100, 128, 211, 243, 256, 510, 1000,
            1024, 1009):
        if name == "irfft" and size == 1:
            continue
        x = taken(name, (2, size))
        show(f(x), f(x).dtype, f(x[0]), f(x.T, axis=0), f(x, norm="ortho"))
    for size, n in itertools.product((2, 5, 8, 17), (1, 2, 3, 4, 5, 8, 9, 16, 17, 30)):
        x = taken(name, (3, size))
        show(f(x, n), f(x, n=n), f(x, n=n, axis=-1), f(x, n, 0), f(x, n, axis=0, norm="forward"))
    for norm in norms:
        x = taken(name, (4, 6, 5))
        show(f(x, norm=norm), f(x, 7, 1, norm), f(x, axis=0, norm=norm), f(x[::2], norm=norm),
            f(x[:, ::-1], axis=1, norm=norm), f(x.transpose(2, 0, 1), axis=1, norm=norm), f(x, None, -2, norm))
    for d in (mx.float16, mx.bfloat16, mx.float32, mx.int32, mx.uint8, mx.bool_, mx.int64, mx.complex64):
        x = (mx.arange(12).reshape(3, 4) % 3).astype(d)
        f(x), f(x).dtype, f(x, axis=0)
        f(x, 6)
    x = taken(name, (4, 6))
    f(x, 0)
    f(x, -1)
    f(x, axis=2)
    f(x, axis=-3)
    f(x, axis=None)
    f(x, 2.5)
    f(x, norm="other")
    f(x, norm=None)
    f(mx.array(1.0))
    f()
    f([1.0, 2.0])
    f(np.array([1.0, 2.0, 3.0], np.float32))
    f(a=x)
    f(x, stream=mx.cpu)
    f(x, s=3)
    f(x, axes=(0,))
    f(mx.zeros((0,)))
    f(mx.zeros((0, 4)))
    f(mx.zeros((4, 0)))
    f(mx.zeros((0, 4), mx.complex64))
    f(x, stream=mx.gpu)
mx.fft.rfft(complexes(2, 4))
mx.fft.rfftn(complexes(2, 4))
mx.fft.rfft2(complexes(2, 4))

# ---- several axes
for name in twos + many:
    f = getattr(mx.fft, name)
    for shape in ((4, 6), (3, 5), (2, 3, 4), (5, 2, 8), (2, 2, 3, 4), (8, 8), (1, 7), (2, 2)):
        x = taken(name, shape)
        show(f(x), f(x).dtype, f(x.swapaxes(0, -1)), f(x[..., ::-1]))
        for axes in ((0, 1), (1, 0), (-2, -1), (-1, -2), [0, 1], (0,), (-1,), (0, -1), (1, -1), (0, 1, 2), (2, 0, 1),
                None, (), (5,), (0, 0), (-1, 1)):
            if name in many and "irfft" in name and axes == (0,) and shape[0] == 1:
                continue
            f(x, axes=axes)
            f(x, None, axes)
            for norm in norms:
                f(x, axes=axes, norm=norm)
        for s in ((4, 6), (3, 3), [5, 7], (8,), (2, 2, 2), None, (), (0, 3), (-1, 3), (4, -1)):
            f(x, s)
            f(x, s=s, axes=(0, 1))
            f(x, s, (-1,))
            f(x, s=s, axes=(-1, -2), norm="ortho")
    x = taken(name, (4, 6))
    f(x, 3)
    f(x, axes=1)
    f(x, norm="other")
    f(mx.array(1.0))
    f(real(4))
    f(complexes(4))
    f(x, stream=mx.cpu)
    f(np.ones((2, 2), np.float32))
    f(mx.ones((4, 4), mx.int32)), f(mx.ones((4, 4), mx.float16)), f(mx.ones((4, 4), mx.bool_))
    f(mx.zeros((0, 4)))
    f(mx.zeros((0, 4, 4)), axes=(1, 2))
    f()
    f(x, axes=(0.5,))

# ---- there and back
for shape in ((8,), (9,), (4, 6), (3, 5, 7)):
    x, z = real(*shape), complexes(*shape)
    for norm in norms:
        show(mx.fft.ifftn(mx.fft.fftn(z, norm=norm), norm=norm),
            mx.fft.irfftn(mx.fft.rfftn(x, norm=norm), s=shape, norm=norm),
            mx.fft.ifft(mx.fft.fft(z, norm=norm), norm=norm), mx.fft.irfft(mx.fft.rfft(x), n=shape[-1]))

# ---- frequencies and shifts
for n in (1, 2, 3, 4, 5, 8, 9, 100):
    for d in (1.0, 0.1, 2, -1.0, 1e-3):
        mx.fft.fftfreq(n, d), mx.fft.rfftfreq(n, d), mx.fft.fftfreq(n, d=d), mx.fft.rfftfreq(n=n, d=d)
    mx.fft.fftfreq(n), mx.fft.rfftfreq(n), mx.fft.fftfreq(n).dtype
for f in (mx.fft.fftfreq, mx.fft.rfftfreq):
    f(0)
    f(-1)
    f(2.5)
    f(4, 0.0)
    f(4, "a")
    f()
    f(4, stream=mx.cpu)
    f(4, 1.0, mx.cpu)
for f in (mx.fft.fftshift, mx.fft.ifftshift):
    for x in (mx.arange(5), mx.arange(6), mx.arange(12).reshape(3, 4), mx.arange(30).reshape(2, 3, 5),
            mx.arange(30).reshape(2, 3, 5).T, mx.array([True, False, False]), complexes(3, 2), mx.zeros((0, 3)),
            mx.array(1)):
        f(x), f(x, axes=None), f(x, None)
        for axes in (0, -1, (0,), (0, 1), [1, 0], (-1, -2), (0, 0), (0, 1, 2), 5, (5,), (), 1.5, "a"):
            f(x, axes)
            f(x, axes=axes)
    f()
    f([1, 2])
    f(mx.arange(4), stream=mx.cpu)

# ---- short time
signal = real(64)
pair = real(2, 50)
window = mx.hanning(16)
for options in (dict(), dict(n_fft=16), dict(n_fft=16, hop_length=4), dict(n_fft=16, hop_length=5, win_length=12),
        dict(n_fft=16, window=window), dict(n_fft=16, window=mx.hanning(10), win_length=10),
        dict(n_fft=16, center=False), dict(n_fft=16, pad_mode="edge"), dict(n_fft=16, pad_mode="constant"),
        dict(n_fft=16, pad_mode="reflect"), dict(n_fft=16, pad_mode="other"), dict(n_fft=16, norm="ortho"),
        dict(n_fft=16, norm="forward"), dict(n_fft=16, onesided=False), dict(n_fft=16, onesided=True), dict(n_fft=15),
        dict(n_fft=15, hop_length=7, onesided=False), dict(n_fft=0), dict(n_fft=-1), dict(n_fft=16, hop_length=0),
        dict(n_fft=16, win_length=20), dict(n_fft=200), dict(n_fft=200, center=False),
        dict(n_fft=16, window=mx.ones((3,))), dict(n_fft=16, window=mx.ones((4, 4)))):
    mx.fft.stft(signal, **options)
    mx.fft.stft(pair, **options)
    mx.fft.stft(mx.array(1.0), **options)
    z = mx.fft.stft(real(64), n_fft=16, hop_length=4, window=window)
    mx.fft.istft(z, **{k: v for k, v in options.items() if k != "pad_mode"})
for options in (dict(hop_length=4), dict(n_fft=16, hop_length=4, window=mx.hanning(16)), dict(hop_length=4, length=60),
        dict(hop_length=4, length=64), dict(hop_length=4, length=200), dict(hop_length=4, length=0),
        dict(hop_length=4, center=False), dict(hop_length=4, onesided=True), dict(hop_length=4, norm="ortho")):
    z = mx.fft.stft(signal, n_fft=16, hop_length=4)
    show(mx.fft.istft(z, **options))
    show(mx.fft.istft(mx.fft.stft(pair, n_fft=16, hop_length=4), **options))
z = mx.fft.stft(signal, n_fft=16, hop_length=4, onesided=False)
mx.fft.istft(z, hop_length=4, onesided=False), mx.fft.istft(z, n_fft=16, hop_length=4, onesided=False)
mx.fft.stft(complexes(64), n_fft=16)
mx.fft.stft(complexes(64), n_fft=16, onesided=False)
mx.fft.stft(mx.arange(64), n_fft=16)
mx.fft.stft(signal.astype(mx.float16), n_fft=16)
mx.fft.istft(signal)
mx.fft.istft(mx.ones((3, 4)))

# ---- gradients
def sums(f, *options):
    return lambda x: mx.abs(f(x, *options)).square().sum() + mx.real(f(x, *options)).sum() * 3

for name in ("fft", "ifft", "rfft", "fft2", "ifft2", "rfft2", "fftn", "ifftn", "rfftn"):
    f = getattr(mx.fft, name)
    for shape in ((4, 6), (3, 5), (2, 7)):
        show(mx.grad(sums(f))(real(*shape)))
        show(mx.vjp(f, [real(*shape)], [mx.ones_like(f(real(*shape)))])[1],
            mx.jvp(f, [real(*shape)], [real(*shape)])[1])
        show(mx.vmap(f)(real(3, *shape)),
            mx.vmap(f, in_axes=1)(real(4, 3, 5)) if name.endswith(("2", "n")) is False else 0,
            mx.vmap(f, out_axes=1)(real(3, *shape)))
for name in ("irfft", "irfft2", "irfftn"):
    f = getattr(mx.fft, name)
    for shape in ((4, 6), (3, 5)):
        z = complexes(*shape)
        show(mx.vjp(f, [z], [mx.ones_like(f(z))])[1], mx.jvp(f, [z], [z])[1], mx.vmap(f)(complexes(3, *shape)))
for name in ("fft", "ifft", "fft2", "ifftn"):
    f = getattr(mx.fft, name)
    z = complexes(4, 5)
    mx.vjp(f, [z], [complexes(4, 5)])[1], mx.jvp(f, [z], [complexes(4, 5)])[1]
mx.grad(lambda x: mx.fft.rfft(x, n=10).abs().sum())(real(6))
mx.grad(lambda x: mx.fft.rfft(x, n=4).abs().sum())(real(6))
mx.grad(lambda x: mx.fft.fft(x, axis=0, norm="ortho").abs().sum())(real(6, 2))
mx.grad(lambda x: mx.fft.irfft(mx.fft.rfft(x), n=6).square().sum())(real(6))
mx.grad(lambda x: mx.fft.irfft(mx.fft.rfft(x) * 2, n=7).sum())(real(7))
mx.grad(lambda x: mx.fft.fftshift(x)[0] + mx.fft.ifftshift(x)[1] * 2)(real(5))

# ---- docs/differences.md
mx.fft.istft(mx.fft.stft(signal, n_fft=16, hop_length=4), hop_length=4, length=-1)  # differs: `fft.istft` to a negative length
