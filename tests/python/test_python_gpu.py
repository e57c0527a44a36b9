"""mx.gpu from Python: streams, the default device, random numbers, gradients, compiled functions, training, the examples. Skipped
where there is no GPU. `PYTHONPATH=build/python python3 -m pytest tests/python/test_python_gpu.py` on a machine that has one."""

import pathlib
import runpy
import shutil
import subprocess
import sys

import numpy as np
import pytest

mx = pytest.importorskip("tarn.core")
import tarn.nn as nn
import tarn.optimizers as optim

if not mx.is_available(mx.gpu):
    pytest.skip("there is no GPU here", allow_module_level=True)

EXAMPLES = pathlib.Path(__file__).resolve().parents[2] / "examples/python"


@pytest.fixture
def gpu():
    before = mx.default_device()
    mx.set_default_device(mx.gpu)
    yield mx.gpu
    mx.set_default_device(before)


def drawn(*shape):
    return np.random.default_rng(7).standard_normal(shape, dtype=np.float32)


def test_streams():
    x = drawn(300, 200)
    a = mx.array(x)
    b = mx.exp(a, stream=mx.gpu)
    c = mx.add(b, a, stream=mx.cpu)
    d = mx.matmul(c, a.T, stream=mx.new_stream(mx.gpu))
    with mx.stream(mx.gpu):
        e = mx.sum(d, axis=0)
    np.testing.assert_allclose(np.array(e), ((np.exp(x) + x) @ x.T).sum(axis=0), rtol=1e-3)


def test_default_device(gpu):
    assert mx.default_device() == mx.Device(mx.gpu, 0)
    x, w = mx.array(drawn(64, 32)), mx.array(drawn(32, 16))

    def loss(w):
        return mx.mean(mx.square(mx.tanh(x @ w)))

    value, gradient = mx.value_and_grad(loss)(w)
    compiled = mx.compile(loss)(w)
    with mx.stream(mx.cpu):
        there, wanted = mx.value_and_grad(loss)(w)
        mx.eval(there, wanted)
    assert abs(value.item() - there.item()) < 1e-5 and abs(compiled.item() - there.item()) < 1e-5
    np.testing.assert_allclose(np.array(gradient), np.array(wanted), rtol=1e-3, atol=1e-6)


def test_random_numbers_are_those_of_the_cpu(gpu):
    key = mx.random.key(11)
    here = mx.random.uniform(shape=(1000,), key=key)
    there = mx.random.uniform(shape=(1000,), key=key, stream=mx.cpu)
    assert np.array_equal(np.array(here), np.array(there))


def test_an_index_outside_is_told(gpu):
    with pytest.raises((IndexError, ValueError, RuntimeError)):
        mx.eval(mx.linalg.inv(mx.zeros((3, 3))))
    assert mx.sum(mx.arange(10)).item() == 45


def trained(device):
    before = mx.default_device()
    mx.set_default_device(device)
    try:
        mx.random.seed(3)
        model = nn.Sequential(nn.Linear(16, 32), nn.GELU(), nn.LayerNorm(32), nn.Linear(32, 4))
        x, y = mx.array(drawn(128, 16)), mx.array(np.arange(128) % 4)
        step = nn.value_and_grad(model, lambda m: nn.losses.cross_entropy(m(x), y, reduction="mean"))
        rule = optim.Adam(learning_rate=1e-2)
        for _ in range(20):
            loss, gradients = step(model)
            rule.update(model, gradients)
            mx.eval(model.parameters(), rule.state, loss)
        return loss.item()
    finally:
        mx.set_default_device(before)


def test_training():
    here, there = trained(mx.gpu), trained(mx.cpu)
    assert here < 1.3 and abs(here - there) < 1e-3


def test_attention_in_training(gpu):
    q, k, v = (mx.array(drawn(2, 4, 100, 64)).astype(mx.bfloat16) for _ in range(3))

    def loss(q, k, v):
        return mx.mean(mx.square(mx.fast.scaled_dot_product_attention(q, k, v, scale=0.125, mask="causal")).astype(mx.float32))

    gradients = mx.grad(loss, argnums=(0, 1, 2))(q, k, v)
    with mx.stream(mx.cpu):
        wanted = mx.grad(loss, argnums=(0, 1, 2))(*(x.astype(mx.float32) for x in (q, k, v)))
        mx.eval(wanted)
    for g, w in zip(gradients, wanted):
        g, w = np.array(g.astype(mx.float32)), np.array(w)
        assert np.linalg.norm(g - w) < 0.02 * np.linalg.norm(w)


def test_cuda_kernel():
    kernel = mx.fast.cuda_kernel(
        name="weighted",
        input_names=["a", "b"],
        output_names=["sums", "places"],
        header="template <class T> __device__ T twice(T x) { return x + x; }",
        source="""
            auto i = cg::this_grid().thread_rank();
            sums[i] = T(twice(float(a[i])) + (negated ? -b[0] : b[0]) * N);
            places[i] = i;
        """,
    )
    a = mx.array(drawn(4, 33))
    sums, places = kernel(
        inputs=[a, 2.0],
        template=[("T", mx.float32), ("negated", True), ("N", 3)],
        output_shapes=[a.shape, a.shape],
        output_dtypes=[mx.float32, mx.uint32],
        grid=(a.size, 1, 1),
        threadgroup=(33, 1, 1),
    )
    np.testing.assert_allclose(np.array(sums), 2 * np.array(a) - 6, rtol=1e-6)
    assert np.array_equal(np.array(places).reshape(-1), np.arange(a.size))


def test_cuda_kernel_over_strides(capfd):
    source = "auto i = cg::this_grid().thread_rank(); y[i] = float(x[elem_to_loc(i, x_shape.data(), x_strides.data(), x_ndim)]) * 2;"
    x = mx.array(drawn(6, 5)).astype(mx.bfloat16).T
    for contiguous in (True, False):
        kernel = mx.fast.cuda_kernel("doubled", ["x"], ["y"], source, ensure_row_contiguous=contiguous)
        (y,) = kernel(inputs=[x], output_shapes=[x.shape], output_dtypes=[x.dtype], grid=(x.size, 1, 1), threadgroup=(8, 1, 1),
                      init_value=1, verbose=contiguous, stream=mx.gpu)
        assert mx.array_equal(y, x * 2).item()
    assert "custom_kernel_doubled(const __nv_bfloat16 *x" in capfd.readouterr().out


def test_cuda_kernel_is_refused():
    kernel = mx.fast.cuda_kernel("wrong", ["x"], ["y"], "y[0] = nobody_knows_it;")
    call = dict(output_shapes=[(1,)], output_dtypes=[mx.float32], grid=(1, 1, 1), threadgroup=(1, 1, 1))
    with pytest.raises(RuntimeError, match="nobody_knows_it"):
        mx.eval(kernel(inputs=[mx.zeros(1)], **call))
    with pytest.raises(ValueError, match="takes 1 inputs"):
        kernel(inputs=[], **call)
    with pytest.raises(ValueError, match="grid"):
        kernel(inputs=[mx.zeros(1)], **{**call, "grid": (1, 1)})


def test_precompiled_cuda_kernel(tmp_path):
    source = """extern "C" __global__ void add(const float *x, float *y, int n, float s, bool twice) {
        if (threadIdx.x < n) y[threadIdx.x] = x[threadIdx.x] + (twice ? 2 * s : s);
    }"""
    compiler = shutil.which("nvcc") or "/usr/local/cuda/bin/nvcc"
    if not pathlib.Path(compiler).exists():
        pytest.skip("there is no nvcc here")
    (tmp_path / "add.cu").write_text(source)
    for form in ("-ptx", "-cubin"):
        subprocess.run([compiler, form, "-arch=native" if form == "-cubin" else "-arch=compute_80", "-o", "add.out", "add.cu"], cwd=tmp_path, check=True)
        x = mx.array(drawn(9))
        (y,) = mx.fast.precompiled_cuda_kernel(
            name="add", compiled_source=(tmp_path / "add.out").read_bytes(), inputs=[x], output_shapes=[(9,)], output_dtypes=[mx.float32],
            scalars=[9, 1.5, True], grid=(9, 1, 1), threadgroup=(9, 1, 1), stream=mx.gpu)
        np.testing.assert_allclose(np.array(y), np.array(x) + 3, rtol=1e-6)


def test_dlpack_shares_with_torch_on_the_card(gpu):
    torch = pytest.importorskip("torch")
    a = mx.array(drawn(50, 40)) * 2
    t = torch.from_dlpack(a)
    assert t.is_cuda and torch.from_dlpack(a).data_ptr() == t.data_ptr()
    np.testing.assert_array_equal(t.cpu().numpy(), 2 * drawn(50, 40))
    turned = torch.from_dlpack(a.T)
    assert turned.data_ptr() == t.data_ptr() and turned.stride() == (1, 40)
    del a
    assert torch.equal(t.T, turned)
    np.testing.assert_array_equal(np.array(mx.array(1.0)), 1)
    host = mx.array(drawn(3), dtype=mx.float32)
    assert host.__dlpack_device__() == (1, 0) and np.array_equal(np.from_dlpack(host), drawn(3))

    source = torch.randn(1000, 300, device="cuda", dtype=torch.bfloat16)
    b = mx.from_dlpack(source)
    assert b.dtype == mx.bfloat16 and b.__dlpack_device__() == (2, 0)
    assert torch.from_dlpack(b).data_ptr() == source.data_ptr()
    part = mx.from_dlpack(source.T[10:20, ::3])
    wanted = source.T[10:20, ::3].float().exp().cpu().numpy()
    np.testing.assert_allclose(np.array(mx.exp(part.astype(mx.float32))), wanted, rtol=1e-5)
    copy = mx.array(source)
    mx.eval(copy)
    source.zero_()
    torch.cuda.synchronize()
    assert mx.sum(mx.abs(b)).item() == 0 and mx.sum(mx.abs(copy)).item() > 0
    kept = mx.from_dlpack(torch.ones(1 << 20, device="cuda"))
    torch.cuda.empty_cache()
    other = torch.zeros(1 << 20, device="cuda")
    assert mx.sum(kept).item() == 1 << 20 and other.sum().item() == 0
    with pytest.raises(ValueError):
        mx.from_dlpack(torch.ones(3), copy=False)
    with pytest.raises(BufferError, match="another device"):
        kept.__dlpack__(copy=False, dl_device=(1, 0))
    assert kept.__dlpack__(copy=False, dl_device=(2, 0)) is not None


@pytest.mark.parametrize("name", ["linear_regression", "classifier", "digits", "vae"])
def test_examples(gpu, name, monkeypatch, capsys, tmp_path):
    monkeypatch.setattr(sys, "argv", [name])
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(str(EXAMPLES))
    runpy.run_path(str(EXAMPLES / f"{name}.py"), run_name="__main__")
    assert capsys.readouterr().out.strip()
