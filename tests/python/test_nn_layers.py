"""Every layer against mlx's: what it prints, the parameters it begins with, its results and gradients, in float32 and
bfloat16, and what it refuses."""

import numpy
import pytest
from nn_sides import MLX, TARN, check_close, check_program

# A layer, and the shapes of its inputs; random numbers of a seed are the same on both sides, and so are its parameters.
LAYERS = [
    ("nn.Linear(6, 4)", (2, 3, 6)),
    ("nn.Linear(6, 4, bias=False)", (6,)),
    ("nn.Identity(3, a=4)", (2, 3)),
    ("nn.Bilinear(3, 4, 5)", (2, 3), (2, 4)),
    ("nn.Bilinear(3, 4, 5, bias=False)", (2, 7, 3), (2, 7, 4)),
    ("nn.Sequential(nn.Linear(6, 4), nn.relu, nn.Linear(4, 2), nn.Tanh())", (3, 6)),
    ("nn.LayerNorm(8)", (2, 3, 8)),
    ("nn.LayerNorm(8, bias=False, eps=1e-3)", (3, 8)),
    ("nn.LayerNorm(8, affine=False)", (3, 8)),
    ("nn.RMSNorm(8)", (2, 3, 8)),
    ("nn.RMSNorm(8, eps=0.1)", (8,)),
    ("nn.GroupNorm(2, 8)", (3, 5, 8)),
    ("nn.GroupNorm(2, 8, affine=False)", (3, 4, 5, 8)),
    ("nn.GroupNorm(4, 8, pytorch_compatible=True)", (3, 4, 5, 8)),
    ("nn.InstanceNorm(4)", (2, 5, 4)),
    ("nn.InstanceNorm(4, affine=True)", (2, 5, 3, 4)),
    ("nn.BatchNorm(4)", (6, 4)),
    ("nn.BatchNorm(4, momentum=0.5)", (2, 5, 4)),
    ("nn.BatchNorm(4, affine=False)", (2, 3, 5, 4)),
    ("nn.BatchNorm(4, track_running_stats=False)", (6, 4)),
    ("nn.BatchNorm(4).eval()", (6, 4)),
    ("nn.Conv1d(3, 4, 3)", (2, 9, 3)),
    ("nn.Conv1d(4, 6, 3, stride=2, padding=1, dilation=2, groups=2, bias=False)", (2, 9, 4)),
    ("nn.Conv2d(3, 4, 3)", (2, 7, 6, 3)),
    ("nn.Conv2d(4, 6, (3, 2), stride=(2, 1), padding=1, groups=2)", (2, 7, 6, 4)),
    ("nn.Conv2d(3, 4, 3, padding=(1, 0), dilation=2, bias=False)", (1, 7, 6, 3)),
    ("nn.Conv3d(2, 3, 2)", (1, 4, 5, 4, 2)),
    ("nn.Conv3d(2, 3, (1, 2, 3), stride=2, padding=1, bias=False)", (1, 4, 5, 4, 2)),
    ("nn.ConvTranspose1d(3, 4, 3)", (2, 5, 3)),
    ("nn.ConvTranspose1d(3, 4, 3, stride=2, padding=1, output_padding=1, bias=False)", (2, 5, 3)),
    ("nn.ConvTranspose2d(3, 4, (2, 3))", (1, 4, 5, 3)),
    ("nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1)", (1, 4, 5, 3)),
    ("nn.ConvTranspose3d(2, 3, 2, stride=(2, 1, 1))", (1, 3, 2, 3, 2)),
    ("nn.MaxPool1d(2)", (2, 7, 3)),
    ("nn.MaxPool1d(3, 2, 1)", (2, 7, 3)),
    ("nn.MaxPool2d(2)", (2, 6, 7, 3)),
    ("nn.MaxPool2d((3, 2), stride=(2, 1), padding=(1, 0))", (2, 6, 7, 3)),
    ("nn.MaxPool2d(7)", (1, 5, 5, 1)),
    ("nn.MaxPool3d(2, 1)", (1, 3, 4, 3, 2)),
    ("nn.AvgPool1d(2)", (2, 7, 3)),
    ("nn.AvgPool1d(3, 2, 1)", (2, 7, 3)),
    ("nn.AvgPool2d(2)", (2, 6, 7, 3)),
    ("nn.AvgPool2d(3, 1, 1)", (2, 6, 7, 3)),
    ("nn.AvgPool3d((1, 2, 3))", (1, 3, 4, 6, 2)),
    ("nn.RNN(3, 5)", (2, 4, 3)),
    ("nn.RNN(3, 5, bias=False, nonlinearity=nn.relu)", (4, 3), (5,)),
    ("nn.GRU(3, 5)", (2, 4, 3)),
    ("nn.GRU(3, 5)", (2, 4, 3), (2, 5)),
    ("nn.GRU(3, 5, bias=False)", (4, 3)),
    ("nn.LSTM(3, 5)", (2, 4, 3)),
    ("nn.LSTM(3, 5)", (2, 4, 3), (2, 5), (2, 5)),
    ("nn.LSTM(3, 5, bias=False)", (4, 3)),
    ("nn.RoPE(8)", (2, 3, 5, 8)),
    ("nn.RoPE(6, traditional=True, base=100, scale=0.5)", (2, 5, 8)),
    ("nn.SinusoidalPositionalEncoding(8)", (2, 5)),
    ("nn.SinusoidalPositionalEncoding(6, 0.01, 2, scale=1, cos_first=True, full_turns=True)", (5,)),
    ("nn.SinusoidalPositionalEncoding(2)", (5,)),
    ("nn.ALiBi()", (1, 3, 4, 5)),
    ("nn.ALiBi()", (2, 8, 4, 4)),
    ("nn.MultiHeadAttention(8, 2)", (2, 3, 8), (2, 5, 8), (2, 5, 8)),
    ("nn.MultiHeadAttention(8, 2, 3, 4, 5, 6, 7, True)", (2, 3, 3), (2, 5, 4), (2, 5, 5)),
    ("nn.MultiHeadAttention(8, 4)", (2, 3, 8), (2, 5, 8), (2, 5, 8), (3, 5)),
    ("nn.AllToShardedLinear(6, 4)", (2, 6)),
    ("nn.ShardedToAllLinear(6, 4, bias=False)", (2, 6)),
    ("nn.FullyShardedModule(nn.Linear(6, 4))", (2, 6)),
    ("nn.FullyShardedModule(nn.Sequential(nn.FullyShardedModule(nn.Linear(6, 6)), nn.Linear(6, 4)))", (2, 6)),
    ("nn.fully_shard(nn.Linear(6, 4))", (2, 6)),
    *[
        (f"nn.{name}", (3, 6))
        for name in """ReLU() ReLU2() ReLU6() LeakyReLU() LeakyReLU(0.2) ELU() ELU(0.5) CELU()
        CELU(0.5) GELU() GELU('tanh') GELU('precise') GELU('fast') GLU() SELU() HardShrink()
        HardShrink(0.1) HardTanh() Hardswish() LogSigmoid() LogSoftmax() Mish() PReLU() PReLU(6,0.1)
        Sigmoid() SiLU() Softmax() Softmin() Softplus() Softshrink() Softshrink(0.1) Softsign()
        Step() Step(0.5) Tanh() Dropout(0) Dropout(0.3)""".split()
    ],
    ("nn.GLU(0)", (4, 3)),
    ("nn.Dropout2d(0.3)", (2, 3, 4, 5)),
    ("nn.Dropout2d(0.3)", (3, 4, 5)),
    ("nn.Dropout3d(0.3)", (2, 3, 2, 4, 5)),
    ("nn.Dropout3d()", (3, 2, 4, 5)),
    ("nn.Dropout(0.3).eval()", (3, 4)),
]
for mode in ("nearest", "linear", "cubic"):
    for scale in (2, 1.5, 0.5, 0.7, 3.3):
        LAYERS += [(f"nn.Upsample({scale}, mode='{mode}')", (1, 6, 2))]
        if mode != "nearest":
            LAYERS += [(f"nn.Upsample({scale}, mode='{mode}', align_corners=True)", (1, 6, 2))]
            LAYERS += [(f"nn.Upsample({scale}, mode='{mode}', antialias=True)", (1, 6, 2))]
    LAYERS += [(f"nn.Upsample((2, 1.5), mode='{mode}')", (2, 3, 4, 2))]
    LAYERS += [(f"nn.Upsample(2, mode='{mode}')", (1, 2, 3, 2, 2))]

ENCODERS = [
    ("nn.TransformerEncoderLayer(8, 2)", "(x, None)"),
    ("nn.TransformerEncoderLayer(8, 2, mlp_dims=5, activation=nn.gelu, norm_first=False)", "(x, mask)"),
    ("nn.TransformerEncoder(2, 8, 2)", "(x, mask)"),
    ("nn.TransformerEncoder(2, 8, 2, checkpoint=True)", "(x, mask)"),
    ("nn.TransformerEncoder(1, 8, 2, norm_first=False)", "(x, None)"),
    ("nn.TransformerDecoderLayer(8, 2)", "(x, memory, mask, None)"),
    ("nn.TransformerDecoderLayer(8, 2, norm_first=False)", "(x, memory, None, None)"),
    ("nn.TransformerDecoder(2, 8, 2, checkpoint=True)", "(x, memory, mask, None)"),
    ("nn.Transformer(8, 2, 1, 2, mlp_dims=12)", "(memory, x, None, mask, None)"),
    ("nn.Transformer(8, 2, 1, 2, custom_encoder=nn.Identity())", "(memory, x, mask, None)"),
    ("nn.MultiHeadAttention(8, 2)", "(x, x, x, 'causal')"),
    ("nn.MultiHeadAttention(8, 2)", "(x, x, x, mask)"),
    ("nn.MultiHeadAttention(8, 2)", "(x, x, x, mx.tri(3, dtype=mx.bool_))"),
]

RUN = """
mx.random.seed(5)
layer = {layer}
layer.set_dtype(mx.{dtype})
inputs = [numbers(*shape, seed=i, dtype='{dtype}') for i, shape in enumerate({shapes})]
def run(*inputs):
    results = layer(*inputs)
    return results if isinstance(results, tuple) else (results,)
def loss(*inputs):
    mx.random.seed(6)
    results = run(*inputs)
    return sum((y.astype(mx.float32) * numbers(*y.shape, seed=9)).sum() for y in results)
mx.random.seed(6)
results = run(*inputs)
parameters = layer.parameters()
gradients = mx.grad(loss, tuple(range(len(inputs))))(*inputs)
of_parameters = nn.value_and_grad(layer, loss)(*inputs)[1] if utils.tree_flatten(layer.trainable_parameters()) else None
(layer, vars(layer).get('training'), parameters, results, gradients, of_parameters)
"""


def check(layer, shapes, dtype, relative):
    program = RUN.format(layer=layer, shapes=list(shapes), dtype=dtype)
    outcomes = [side.outcome(program) for side in (TARN, MLX)]
    assert not isinstance(outcomes[1][0], str), outcomes[1]
    check_close(*outcomes, relative, layer)


@pytest.mark.parametrize("layer, shapes", [pytest.param(layer, shapes, id=layer) for layer, *shapes in LAYERS])
def test_layers(layer, shapes):
    check(layer, shapes, "float32", 2e-5)


@pytest.mark.parametrize("layer, shapes", [pytest.param(layer, shapes, id=layer) for layer, *shapes in LAYERS])
def test_layers_in_bfloat16(layer, shapes):
    check(layer, shapes, "bfloat16", 4e-2)


@pytest.mark.parametrize("layer, call", ENCODERS)
def test_transformers(layer, call):
    check_program(
        f"""
mx.random.seed(5)
layer = {layer}
x, memory = numbers(2, 3, 8), numbers(2, 4, 8, seed=1)
mask = nn.MultiHeadAttention.create_additive_causal_mask(3)
loss = lambda x, memory: (layer{call} * numbers(2, 3, 8, seed=2)).sum()
(layer, layer{call}, nn.value_and_grad(layer, loss)(x, memory), mx.grad(loss, (0, 1))(x, memory))
""",
        2e-5,
    )


QUANTIZED = [
    "nn.QuantizedLinear(64, 32)",
    "nn.QuantizedLinear(64, 32, bias=False, bits=8, group_size=32)",
    "nn.QuantizedLinear(64, 32, bits=3)",
    "nn.QuantizedLinear(64, 32, mode='mxfp4')",
    "nn.QuantizedLinear(64, 32, mode='mxfp8')",
    "nn.QuantizedLinear(64, 32, mode='nvfp4')",
    "nn.QuantizedLinear.from_linear(nn.Linear(64, 32), 32, 8)",
    "nn.Linear(64, 32).to_quantized(bits=2)",
    "nn.QuantizedAllToShardedLinear(64, 32)",
    "nn.QuantizedShardedToAllLinear(64, 32, bias=False, bits=8)",
    "nn.layers.distributed.shard_linear(nn.Linear(64, 32).to_quantized(), 'all-to-sharded')",
    "nn.layers.distributed.shard_linear(nn.Linear(64, 32).to_quantized(), 'sharded-to-all')",
    "nn.QQLinear(64, 32).eval()",
    "nn.QQLinear(64, 32, mode='mxfp8').eval()",
    "nn.Linear(64, 32, bias=False).eval().to_quantized(mode='nvfp4', quantize_input=True)",
]


@pytest.mark.parametrize("layer", QUANTIZED)
def test_quantized_layers(layer):
    check_program(
        f"""
mx.random.seed(5)
layer = {layer}
x = numbers(1, 64)
(layer, layer.parameters(), layer.trainable_parameters(), sorted(layer._no_grad), layer(x), mx.random.uniform())
""",
        2e-5,
    )


@pytest.mark.parametrize("mode", ["affine", "mxfp4", "mxfp8", "nvfp4"])
def test_quantized_embeddings(mode):
    check_program(
        f"""
mx.random.seed(5)
layer = nn.Embedding(6, 64).to_quantized(mode='{mode}')
i = mx.array([[0, 5], [3, 3]])
(layer, layer.parameters(), layer(i), layer.as_linear(numbers(2, 64)), nn.QuantizedEmbedding(6, 64, mode='{mode}'))
"""
    )


def test_embeddings():
    check_program(
        """
mx.random.seed(5)
layer = nn.Embedding(6, 8)
i = mx.array([[0, 5], [3, 3]])
loss = lambda i: (layer(i) * numbers(2, 2, 8)).sum() + layer.as_linear(numbers(2, 8, seed=2)).sum()
(layer, layer.parameters(), layer(i), nn.value_and_grad(layer, loss)(i))
"""
    )


def test_qqlinear_keeps_its_weight_for_training():
    check_program(
        """
mx.random.seed(5)
layer = nn.QQLinear(64, 32)
before = layer.parameters()
inside = layer.eval().parameters()
(layer, before, inside, repr(layer), layer.train().parameters(), repr(layer))
"""
    )


def test_batch_norm_keeps_averages():
    check_program(
        """
layer = nn.BatchNorm(4)
x = numbers(6, 4)
first = layer(x)
second = layer(x + 1)
(second, layer.parameters(), layer.eval()(x), layer.parameters())
"""
    )
    for side in (MLX, TARN):
        half = side.nn.BatchNorm(2)
        half.set_dtype(side.mx.float16)
        half(side.numbers(4, 2, dtype="float16"))
        assert half.running_mean.dtype == side.mx.float16


QUANTIZE = """
nn.quantize(m)
nn.quantize(m, 32, 8, class_predicate=lambda p, m: {'bits': 2} if p == 'layers.0' else p != 'layers.2')
nn.quantize(m, mode='mxfp4')
nn.quantize(m, mode='nvfp4', quantize_input=True, class_predicate=lambda p, m: p == 'layers.3')
nn.quantize(m, mode='nvfp4', quantize_input=True)
nn.quantize(m, quantize_input=True)
nn.quantize(m, class_predicate=lambda p, m: 3)
nn.quantize(m, class_predicate=lambda p, m: {'nope': 3})
nn.quantize(m, class_predicate=lambda p, m: True)
nn.quantize(m, class_predicate=lambda p, m: print(p, type(m).__name__) or False)
nn.quantize(m, mode='zz')
nn.quantize(nn.Linear(64, 64))
nn.quantize(nn.Sequential(Own()))
nn.quantize(nn.Sequential(Own()), 32, 8, mode='mxfp8', quantize_input=True)
nn.quantize(nn.Sequential(Own()), class_predicate=lambda p, m: {'bits': 3})
"""


@pytest.mark.parametrize("call", QUANTIZE.strip().split("\n"))
def test_quantize(call):
    check_program(
        f"""
class Own(nn.Module):
    def to_quantized(self, *arguments, **options):
        print(arguments, options)
        return nn.Identity()
mx.random.seed(5)
last = nn.Linear(64, 32, bias=False)
m = nn.Sequential(nn.Linear(64, 64), nn.ReLU(), nn.Embedding(4, 64), last, nn.Sequential(nn.Linear(64, 64)))
(({call}), m, m.parameters())
"""
    )


REFUSED = """
nn.Conv2d(3, 4, 3, groups=2)
nn.Conv1d(3, 4, 3, groups=2)
nn.Dropout(1.0)
nn.Dropout(-1)
nn.Dropout2d()(mx.ones((3,)))
nn.Dropout3d()(mx.ones((2,) * 6))
nn.GroupNorm(3, 8)
nn.InstanceNorm(2)(mx.ones((2, 2)))
nn.BatchNorm(3)(mx.ones((3,)))
nn.BatchNorm(3)(mx.ones((3,) * 5))
nn.BatchNorm(2)(mx.ones((1, 2)))
nn.BatchNorm(2, track_running_stats=False)(mx.ones((1, 1, 2)))
nn.InstanceNorm(4, eps=0)
nn.LayerNorm(4, eps=-1)
nn.RMSNorm(4, eps=0.0)
nn.GroupNorm(2, 4, eps=0)
nn.BatchNorm(4, eps=-1e-5)
nn.LayerNorm(4, eps='a')
nn.GroupNorm(0, 4)
nn.GroupNorm(2, 0)
nn.Dropout2d(0)(mx.ones((2, 3)))
nn.Dropout3d(0.5).eval()(mx.ones((2, 3, 4)))
nn.MaxPool1d((2, 3))
nn.MaxPool2d((2,))
nn.MaxPool2d('a')
nn.MaxPool2d(2, (1, 2, 3))
nn.MaxPool2d(2, padding=None)
nn.MaxPool2d(2, padding=-1)
nn.MaxPool2d(0)
nn.MaxPool2d(2, 0)
nn.MaxPool2d(3, 2)(mx.ones((1, 5, 5)))
nn.MaxPool1d(2)(mx.ones((5, 1)))
nn.AvgPool1d(2)(mx.ones((3, 2, 5, 1)))
nn.RNN(2, 3, nonlinearity=3)
nn.MultiHeadAttention(8, 3)
nn.GELU('zz')
nn.SinusoidalPositionalEncoding(7)
nn.Upsample(2, mode='zz')
nn.Upsample(2, antialias=True)
nn.Upsample(2, mode='linear', align_corners=True, antialias=True)
nn.Upsample(2)(mx.ones((2, 3)))
nn.Upsample((2, 2))(mx.ones((2, 3, 1)))
nn.QuantizedLinear(64, 32, mode='zz')
nn.QQLinear.from_linear(nn.Linear(64, 64))
nn.Linear(64, 64).to_quantized(quantize_input=True)
nn.Embedding(64, 64).to_quantized(quantize_input=True, mode='nvfp4')
nn.layers.distributed.shard_linear(nn.Linear(4, 4), 'zz')
nn.layers.distributed.shard_inplace(nn.Linear(4, 4), 'zz')
"""


@pytest.mark.parametrize(
    "call",
    [
        *["Conv1d(3, 4, (2, 3))", "Conv2d(3, 4, (2, 3, 4))", "Conv2d(3, 4, 3, stride=(2,))"],
        *["Conv3d(3, 4, 3, padding=(1, 1))", "ConvTranspose2d(3, 4, 3, output_padding=(1,))", "ConvTranspose3d(3, 4, (2, 2))"],
    ],
)
def test_a_size_for_each_axis(call):
    with pytest.raises(ValueError, match="spatial axes takes an int or"):
        eval(f"nn.{call}", {"nn": TARN.nn})


@pytest.mark.parametrize("program", REFUSED.strip().split("\n"))
def test_refused_with_the_same_words(program):
    outcome = MLX.outcome(program)
    assert isinstance(outcome[0], str) and outcome[0].endswith("Error")
    assert TARN.outcome(program) == outcome


def test_max_pooling_of_integers():
    check_program("nn.MaxPool2d(2, padding=1)(mx.arange(25).reshape(1, 5, 5, 1))")
    check_program("nn.AvgPool2d(2)(mx.arange(25).reshape(1, 5, 5, 1))")


def test_alibi():
    check_program("nn.ALiBi.create_alibi_slope(6)")
    check_program("nn.ALiBi.create_alibi_slope(3, mx.float16)")
    check_program("nn.ALiBi.create_alibi_matrix(4, 3, 2, offset=2, dtype=mx.float16)")
    check_program("nn.ALiBi()(numbers(1, 2, 2, 3), 1, mask=numbers(2, 3))")


def test_upsample_is_nearest_at_every_size():
    for n in range(2, 12):
        for scale in (0.2, 0.45, 0.6, 0.9, 1.1, 1.3, 1.7, 2.7):
            if int(n * scale) > 0:
                check_program(f"nn.Upsample({scale})(mx.arange({n}).reshape(1, {n}, 1))")


def test_upsample_to_nothing_is_an_error():
    with pytest.raises(ValueError, match="nothing is left of an axis of size 4"):
        TARN.nn.Upsample(0.1)(TARN.mx.ones((1, 4, 1)))


def test_dropout_keeps_the_mean():
    x = TARN.mx.ones((200, 200))
    y = numpy.array(TARN.nn.Dropout(0.3)(x))
    assert abs(y.mean() - 1) < 0.02 and abs((y == 0).mean() - 0.3) < 0.02


WITH_WEIGHTS = ["Linear(4, 3)", "Embedding(5, 4)", "Conv1d(2, 3, 3)", "Conv2d(2, 3, 3)", "Conv3d(2, 3, 3)"]
WITH_WEIGHTS += [f"ConvTranspose{axes}d(2, 3, 3)" for axes in (1, 2, 3)]


@pytest.mark.parametrize("layer", WITH_WEIGHTS)
def test_a_weight_of_other_axes_is_told(layer):
    for axes in range(6):
        program = f"m = nn.{layer}\nm.weight = mx.zeros(({'2, ' * axes}))\nrepr(m)"
        assert TARN.outcome(program) == MLX.outcome(program), axes


KINDS = """
nn.Conv1d(2, 3, mx.array(3))
nn.ConvTranspose1d(2, 3, mx.array(3))
nn.ConvTranspose1d(2, 3, 3.0)
nn.Conv2d(2, 3, mx.array(3))
nn.ConvTranspose3d(2, 3, mx.array(3))
nn.Conv2d(2, 3, '3')
nn.Conv2d(2, 3, 3.0)
"""


@pytest.mark.parametrize("program", KINDS.strip().split("\n"))
def test_a_strange_size_is_as_with_mlx(program):
    """The same layer, or an error of the same kind."""
    assert TARN.outcome(program)[0] == MLX.outcome(program)[0]


def test_a_scale_of_zero():
    check_program("nn.SinusoidalPositionalEncoding(4, scale=0)(numbers(3))")
