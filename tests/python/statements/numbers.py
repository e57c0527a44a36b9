# Gradients of gradients of integers, and complex numbers under grad, vjp and jvp.
_ = None if "tarn" in mx.__file__ else mx.disable_compile()  # mlx makes a C++ program of each compiled function: minutes
x = mx.array([1.0, 2.0, 3.0])
xi = mx.array([1, 2, 3])
z = mx.array([1 + 2j, 3 - 1j, -0.5 + 0.5j])
n = mx.array(3)
w = mx.array(1.5 - 0.5j)
r = mx.array(2.0)
# second gradients of integers
mx.grad(mx.grad(lambda a: a * a * a))(n)
mx.grad(mx.grad(lambda a: a * a * a * 0.5))(n)  # differs: gradients of gradients of integers, times floats
mx.grad(lambda a: mx.grad(lambda b: (b * b * b).sum())(a).sum())(xi)
mx.grad(lambda a: (mx.grad(lambda b: (b * b * b).sum())(a) * 1.5).sum())(xi)  # differs: gradients of gradients of integers, times floats
mx.grad(mx.grad(lambda a: mx.sin(a)))(n)
mx.grad(mx.grad(mx.grad(lambda a: a ** 4)))(n)
mx.grad(mx.grad(lambda a: a ** 3.0))(n)
mx.vjp(mx.grad(lambda a: (a * a * a).sum()), [xi], [xi])
mx.jvp(mx.grad(lambda a: (a * a * a).sum()), [xi], [xi])
mx.jvp(mx.grad(lambda a: (a * a * a).sum()), [xi], [x])
mx.vmap(mx.grad(lambda a: a * a))(xi), mx.vmap(mx.grad(mx.grad(lambda a: a * a * a)))(xi)
mx.grad(lambda a, b: mx.grad(lambda c: c * c * b)(a), argnums=(0, 1))(n, r)
mx.grad(lambda a, b: mx.grad(lambda c: c * c * b)(a), argnums=(0, 1))(r, n)
mx.compile(mx.grad(mx.grad(lambda a: a * a * a)))(n)
mx.value_and_grad(mx.grad(lambda a: a * a * a))(n)
mx.grad(mx.checkpoint(mx.grad(lambda a: a * a * a)))(n)
mx.grad(lambda a: mx.jvp(lambda b: b * b * b, [a], [mx.array(1)])[1][0])(n)
mx.grad(lambda a: mx.jvp(lambda b: b * b * b, [a], [mx.array(1.0)])[1][0])(n)
mx.grad(lambda a: mx.vjp(lambda b: b * b * b, [a], [mx.array(1)])[1][0])(n)
mx.jvp(lambda a: mx.jvp(lambda b: b * b * b, [a], [mx.array(1)])[1][0], [n], [mx.array(1)])
# complex under grad
for f in [lambda a: a, lambda a: a * a, lambda a: mx.conjugate(a), lambda a: mx.abs(a), lambda a: mx.real(a), lambda a: mx.imag(a), lambda a: mx.exp(a), lambda a: a * mx.conjugate(a),
          lambda a: mx.sin(a), lambda a: 1 / a, lambda a: a ** 2, lambda a: mx.log(a), lambda a: mx.sqrt(a), lambda a: a * 1j, lambda a: a + 2.0, lambda a: mx.cos(a) * a, lambda a: mx.tanh(a), lambda a: mx.where(mx.real(a) > 0, a, 2 * a), lambda a: mx.square(a), lambda a: mx.sum(a * z), lambda a: (a * z)[0], lambda a: mx.real(a * z).sum(), lambda a: mx.fft.fft(a * z)[1], lambda a: (a * a).astype(mx.float32), lambda a: mx.stop_gradient(a) * a, lambda a: a.astype(mx.complex64) * 2j]:
    mx.grad(f)(w)  # differs: gradients of `square` and `power` of complex numbers
    mx.grad(f)(r)
    mx.value_and_grad(f)(w)  # differs: gradients of `square` and `power` of complex numbers
    mx.value_and_grad(f)(r)
    mx.vjp(f, [w], [w])  # differs: gradients of `square` and `power` of complex numbers
    mx.vjp(f, [r], [w])
    mx.vjp(f, [w], [r])  # differs: gradients of `square` and `power` of complex numbers
    mx.jvp(f, [w], [w])
    mx.jvp(f, [r], [r])
    mx.jvp(f, [r], [w])  # differs: complex tangents of real arguments
    mx.grad(mx.grad(f))(w)  # differs: gradients of gradients of `abs` of complex numbers
    mx.grad(lambda a: mx.abs(mx.grad(f)(a)))(w)
    mx.grad(lambda a: mx.real(f(a)))(w)  # differs: gradients of `square` and `power` of complex numbers
    mx.grad(lambda a: mx.imag(f(a)))(w)  # differs: gradients of `square` and `power` of complex numbers
    mx.vmap(mx.grad(f))(z)  # differs: gradients of `square` and `power` of complex numbers
    mx.compile(mx.grad(f))(w)  # differs: gradients of `square` and `power` of complex numbers
mx.grad(lambda a: a.sum())(z), mx.grad(lambda a: (a * a).sum())(z), mx.grad(lambda a: mx.abs(a).sum())(z)
mx.grad(lambda a, b: (a * b).sum(), argnums=(0, 1))(z, x), mx.grad(lambda a, b: (a @ b), argnums=(0, 1))(z, z), mx.grad(lambda a, b: (a @ b), argnums=(0, 1))(x, z)
mx.value_and_grad(lambda a: (a.sum(), a))(z)
mx.value_and_grad(lambda p: (p["a"] * p["b"]).sum())({"a": z, "b": x})
mx.jvp(lambda a: mx.abs(a), [z], [z]), mx.jvp(lambda a: a > 1, [x], [x]), mx.jvp(lambda a: a == a, [x], [x]), mx.jvp(lambda a: mx.isnan(a), [x], [x])
for g in [mx.less, mx.less_equal, mx.greater, mx.greater_equal, mx.equal, mx.not_equal, mx.logical_and, mx.logical_or]:
    mx.jvp(g, [x, x], [x, x])  # differs: tangents of comparisons and their like
    mx.vjp(g, [x, x], [x])
for g in [mx.logical_not, mx.isnan, mx.isinf, mx.isfinite, mx.isposinf, mx.isneginf, mx.floor, mx.ceil, mx.round, mx.sign, mx.argmax, mx.argmin, mx.argsort, mx.any, mx.all, lambda a: a.astype(mx.int32), lambda a: a.astype(mx.bool_), lambda a: mx.argpartition(a, 1), lambda a: mx.zeros_like(a), lambda a: mx.ones_like(a), lambda a: mx.view(a, mx.int32), lambda a: mx.stop_gradient(a), lambda a: mx.array(3.0), lambda a: mx.floor_divide(a, 2.0), lambda a: a // 1]:
    mx.jvp(g, [x], [x])  # differs: tangents of comparisons and their like
    mx.vjp(g, [x], [mx.ones_like(g(x))])  # differs: cast of a float to an integer
    mx.grad(lambda a: (g(a) * a).sum())(x)  # differs: cast of a float to an integer
