# Upsampling, recurrence, attention, positions, containers, quantized and sharded layers.
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_unflatten, tree_map, tree_map_with_path, tree_reduce, tree_merge
import math
import numpy as np
mx.random.seed(7)
x = mx.random.normal((2, 5, 4))
img = mx.random.normal((1, 3, 4, 2))
vol = mx.random.normal((1, 2, 3, 2, 2))
ramp = mx.arange(4).reshape(1, 2, 2, 1).astype(mx.float32)
line = mx.arange(4).reshape(1, 4, 1).astype(mx.float32)
A = lambda m: [(k, v.shape, v.dtype) for k, v in tree_flatten(m.parameters())]

nn.Upsample(2)
nn.Upsample(scale_factor=(2, 3), mode='linear')
nn.Upsample((2.0, 1.5), mode='cubic', align_corners=True)
nn.Upsample(2, mode='bilinear')
nn.Upsample(2, 'nearest', True)
[nn.Upsample(2, mode=m)(ramp) for m in ('nearest', 'linear', 'cubic')]
[nn.Upsample(2, mode=m, align_corners=True)(ramp) for m in ('nearest', 'linear', 'cubic')]
[nn.Upsample(s, mode=m, align_corners=c)(img) for s in (1.5, 2, 3, (1.5, 2), (2.3, 0.7), 0.5) for m in ('nearest', 'linear', 'cubic') for c in (False, True)]
[nn.Upsample(s, mode=m, align_corners=c)(line) for s in (1.5, 2, 3.7, 0.6, (2,)) for m in ('nearest', 'linear', 'cubic') for c in (False, True)]
[nn.Upsample(s, mode=m, align_corners=c)(vol) for s in (1.5, 2, (2, 1.5, 1)) for m in ('nearest', 'linear', 'cubic') for c in (False, True)]
nn.Upsample((2, 3), mode='nearest')(line)
nn.Upsample((2, 3, 4))(img)
nn.Upsample(2)(mx.ones((2, 3)))
nn.Upsample(2)(mx.ones(3))
nn.Upsample(2, mode='area')
nn.Upsample(scale_factor=1)(img)
[nn.Upsample(2, mode=m)(img.astype(mx.float16)).dtype for m in ('nearest', 'linear', 'cubic')]
[nn.Upsample(2, mode=m)(mx.arange(8).reshape(1, 2, 2, 2)).dtype for m in ('nearest', 'linear', 'cubic')]
nn.upsample_nearest(img, 2)
nn.layers.upsample.upsample_nearest(img, (2, 2))
nn.layers.upsample.upsample_linear(img, (2, 2), False)
nn.layers.upsample.upsample_cubic(img, (2, 2), True)
mx.grad(lambda a: nn.Upsample(2, mode='linear')(a).square().sum())(img)
mx.grad(lambda a: nn.Upsample(2, mode='cubic', align_corners=True)(a).square().sum())(img)
mx.grad(lambda a: nn.Upsample(2.5, mode='nearest')(a).square().sum())(img)
mx.compile(nn.Upsample(2, mode='cubic'))(img)
A(nn.RNN(4, 3))
A(nn.RNN(4, 3, bias=False))
nn.RNN(4, 3)
nn.RNN(4, 3, nonlinearity=nn.relu)
nn.RNN(4, 3, nonlinearity='tanh')
nn.RNN(4, 3)(x).shape
nn.RNN(4, 3)(x, hidden=mx.ones((2, 3))).shape
nn.RNN(4, 3)(x[0]).shape
nn.RNN(4, 3)(x[0], mx.ones(3)).shape
nn.RNN(4, 3)(mx.ones((2, 5, 5)))
A(nn.GRU(4, 3))
A(nn.GRU(4, 3, bias=False))
nn.GRU(4, 3)
nn.GRU(4, 3, bias=False)
nn.GRU(4, 3)(x).shape
nn.GRU(4, 3)(x, hidden=mx.ones((2, 3))).shape
nn.GRU(4, 3)(x[0]).shape
nn.GRU(4, 3, bias=False)(x[0], mx.ones(3)).shape
A(nn.LSTM(4, 3))
A(nn.LSTM(4, 3, bias=False))
nn.LSTM(4, 3)
nn.LSTM(4, 3, bias=False)
[a.shape for a in nn.LSTM(4, 3)(x)]
[a.shape for a in nn.LSTM(4, 3)(x, hidden=mx.ones((2, 3)), cell=mx.ones((2, 3)))]
[a.shape for a in nn.LSTM(4, 3)(x[0])]
[a.shape for a in nn.LSTM(4, 3, bias=False)(x[0], mx.ones(3), mx.ones(3))]
[a.shape for a in nn.LSTM(4, 3)(x, cell=mx.ones((2, 3)))]
(lambda r: (r.set_dtype(mx.float32), r.update(tree_map(lambda p: mx.ones_like(p) * 0.1, r.parameters())), r(x))[2])(nn.RNN(4, 3))
(lambda r: (r.update(tree_map(lambda p: mx.ones_like(p) * 0.1, r.parameters())), r(x, mx.ones((2, 3))))[1])(nn.GRU(4, 3))
(lambda r: (r.update(tree_map(lambda p: mx.ones_like(p) * 0.1, r.parameters())), r(x, mx.ones((2, 3)), mx.zeros((2, 3))))[1])(nn.LSTM(4, 3))
A(nn.MultiHeadAttention(8, 2))
A(nn.MultiHeadAttention(8, 2, bias=True))
A(nn.MultiHeadAttention(8, 2, query_input_dims=3, key_input_dims=5, value_input_dims=6, value_dims=4, value_output_dims=7))
nn.MultiHeadAttention(8, 2)
nn.MultiHeadAttention(8, 3)
nn.MultiHeadAttention(dims=8, num_heads=2, value_dims=4)
(lambda q: nn.MultiHeadAttention(4, 2)(q, q, q).shape)(x)
(lambda q: nn.MultiHeadAttention(4, 2)(q, q, q, mask=nn.MultiHeadAttention.create_additive_causal_mask(5)).shape)(x)
nn.MultiHeadAttention.create_additive_causal_mask(4)
nn.MultiHeadAttention.create_additive_causal_mask(4, mx.float16)
nn.MultiHeadAttention.create_additive_causal_mask(4, dtype=mx.bfloat16)
A(nn.TransformerEncoderLayer(8, 2))
A(nn.TransformerEncoder(2, 8, 2, mlp_dims=16))
A(nn.TransformerEncoder(num_layers=1, dims=8, num_heads=2, mlp_dims=16, dropout=0.1, activation=nn.gelu, norm_first=True))
nn.TransformerEncoder(1, 8, 2)
nn.TransformerEncoder(1, 8, 2, norm_first=False, dropout=0.5, checkpoint=True)
nn.TransformerEncoderLayer(8, 2, norm_first=True)
nn.TransformerDecoderLayer(8, 2)
nn.TransformerDecoder(1, 8, 2)
nn.Transformer(8, 2, 1, 1, 16)
A(nn.Transformer(8, 2, 1, 1, 16))
nn.Transformer(dims=8, num_heads=2, num_encoder_layers=1, num_decoder_layers=1, mlp_dims=16, dropout=0.1, activation=nn.gelu, custom_encoder=nn.Identity(), custom_decoder=None, norm_first=False, checkpoint=False)
nn.TransformerEncoder(2, 4, 2)(x, None).shape
nn.TransformerEncoder(2, 4, 2, norm_first=False)(x, nn.MultiHeadAttention.create_additive_causal_mask(5)).shape
nn.TransformerEncoder(2, 4, 2)(x)
nn.TransformerDecoder(2, 4, 2)(x, x[:, :3], None, None).shape
nn.TransformerDecoder(2, 4, 2, norm_first=False)(x, x[:, :3], nn.MultiHeadAttention.create_additive_causal_mask(5), None).shape
nn.Transformer(4, 2, 1, 1, 16)(x, x[:, :3], None, None, None).shape
nn.RoPE(4)
nn.RoPE(4, traditional=True, base=500, scale=0.5)
nn.RoPE(4)(x)
nn.RoPE(4, True)(x)
nn.RoPE(2, base=100)(x, offset=3)
nn.RoPE(4, scale=0.25)(x[:, None], 2)
nn.RoPE(4)(x.astype(mx.bfloat16)).dtype
nn.RoPE(3)(x)
nn.RoPE(8)(x)
nn.RoPE(4)(x[0])
A(nn.SinusoidalPositionalEncoding(8))
nn.SinusoidalPositionalEncoding(8)
nn.SinusoidalPositionalEncoding(8, min_freq=0.01, max_freq=2.0, scale=1.5, cos_first=True, full_turns=True)(mx.arange(3))
nn.SinusoidalPositionalEncoding(8)(mx.arange(3))
nn.SinusoidalPositionalEncoding(8)(mx.array(2.5))
nn.SinusoidalPositionalEncoding(7)(mx.arange(3))
nn.ALiBi()
nn.ALiBi()(mx.zeros((1, 4, 3, 3)))
nn.ALiBi()(mx.zeros((1, 4, 1, 3)), offset=2)
nn.ALiBi()(mx.zeros((1, 3, 2, 3)), mask=mx.ones((2, 3)))
nn.ALiBi.create_alibi_slope(4)
nn.ALiBi.create_alibi_slope(6)
nn.ALiBi.create_alibi_matrix(2, 3, 2, 1)
nn.ALiBi.create_alibi_matrix(2, 3, 4, dtype=mx.float16)
nn.Sequential()
nn.Sequential(nn.Linear(2, 3), lambda a: a + 1)(mx.ones((1, 2))).shape
A(nn.Sequential(nn.Linear(2, 3), nn.ReLU(), mx.tanh))
nn.Sequential(nn.Linear(2, 3), nn.Linear(4, 3))(mx.ones((1, 2)))
nn.Sequential([nn.Linear(2, 3)])
nn.Sequential(nn.Linear(2, 3)).layers
nn.Sequential()(x)
nn.quantize(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Embedding(5, 64)))
(lambda m: (nn.quantize(m), m)[1])(nn.Sequential(nn.Linear(64, 32), nn.ReLU(), nn.Embedding(5, 64), nn.Linear(3, 5)))
(lambda m: (nn.quantize(m, 32, 8), m)[1])(nn.Sequential(nn.Linear(64, 32), nn.Linear(96, 32)))
(lambda m: (nn.quantize(m, group_size=32, bits=2, mode='affine'), m)[1])(nn.Sequential(nn.Linear(64, 32)))
(lambda m: (nn.quantize(m, mode='mxfp4'), m)[1])(nn.Sequential(nn.Linear(64, 32)))
(lambda m: (nn.quantize(m, mode='nvfp4', quantize_input=True, class_predicate=lambda p, l: isinstance(l, nn.Linear)), m)[1])(nn.Sequential(nn.Linear(64, 32), nn.Embedding(3, 64)))
(lambda m: (nn.quantize(m, mode='mxfp8', quantize_input=True), m)[1])(nn.Sequential(nn.Linear(64, 32)))
(lambda m: (nn.quantize(m, mode='mxfp8', quantize_input=True), m)[1])(nn.Sequential(nn.Embedding(3, 64)))
(lambda m: (nn.quantize(m, class_predicate=lambda p, l: {'group_size': 32, 'bits': 8} if p.endswith('0') else False), m)[1])(nn.Sequential(nn.Linear(64, 32), nn.Linear(64, 32)))
(lambda m: (nn.quantize(m, class_predicate=lambda p, l: {'mode': 'mxfp4', 'group_size': 32, 'bits': 4} if isinstance(l, nn.Linear) else True), m)[1])(nn.Sequential(nn.Linear(64, 32), nn.Embedding(5, 64)))
(lambda m: (nn.quantize(m, class_predicate=lambda p, l: True), m)[1])(nn.Sequential(nn.Linear(64, 32), nn.ReLU()))
(lambda m: (nn.quantize(m, class_predicate=lambda p, l: 'x'), m)[1])(nn.Sequential(nn.Linear(64, 32)))
(lambda l: (nn.quantize(nn.Sequential(nn.Linear(64, 32), nn.Linear(64, 64)), class_predicate=lambda p, m: l.append((p, type(m).__name__))), l)[1])([])
(lambda m: (nn.quantize(m), sorted(k for k, _ in tree_flatten(m.parameters()))))(nn.Sequential(nn.Linear(64, 32)))
(lambda m: (m.freeze(), nn.quantize(m), m.unfreeze(), [k for k, _ in tree_flatten(m.trainable_parameters())])[-1])(nn.Sequential(nn.Linear(64, 32)))
nn.Module().training
nn.average_gradients({'a': mx.ones(2), 'b': [mx.zeros(3)]})
nn.average_gradients({'a': mx.ones(2)}, all_reduce_size=1, communication_type=mx.float16)
nn.value_and_grad(nn.Linear(2, 1), lambda: 1)
nn.value_and_grad(lambda x: x, lambda: 1)
(lambda m: (lambda v, g: (v.shape, [(k, a.shape) for k, a in tree_flatten(g)]))(*nn.value_and_grad(m, lambda a: m(a).sum())(mx.ones((3, 2)))))(nn.Linear(2, 1))
(lambda m: (lambda v, g: (v[0].shape, v[1], [(k, a.shape) for k, a in tree_flatten(g)]))(*nn.value_and_grad(m, lambda a: (m(a).sum(), 3))(mx.ones((3, 2)))))(nn.Linear(2, 1))
(lambda m: nn.value_and_grad(m, lambda a: m(a).sum())(mx.ones((3, 2)))[1])(nn.Linear(2, 1).freeze())
nn.utils.checkpoint(nn.Linear(2, 3))(mx.ones((1, 2))).shape
nn.utils.checkpoint(nn.Linear(2, 3), lambda a: a)(mx.ones((1, 2)))
(lambda m: nn.value_and_grad(m, lambda a: nn.utils.checkpoint(m)(a).sum())(mx.ones((3, 2)))[1])(nn.Linear(2, 1, bias=False))
nn.shard_linear if hasattr(nn, 'shard_linear') else None
mx.distributed.init().size()
nn.layers.distributed.shard_linear(nn.Linear(8, 4), 'all-to-sharded')
nn.layers.distributed.shard_linear(nn.Linear(8, 4), 'sharded-to-all')
nn.layers.distributed.shard_linear(nn.QuantizedLinear(64, 32), 'sharded-to-all')
nn.layers.distributed.shard_linear(nn.Linear(8, 4), 'x')
nn.layers.distributed.shard_linear(nn.Linear(8, 4), 'all-to-sharded', segments=2)
nn.layers.distributed.shard_linear(nn.Linear(8, 4), 'all-to-sharded', segments=[0.5])
nn.layers.distributed.shard_linear(nn.Linear(8, 4), 'all-to-sharded', segments=[1, 2])
nn.AllToShardedLinear(8, 4)
nn.ShardedToAllLinear(8, 4, bias=False)
nn.QuantizedAllToShardedLinear(64, 32)
nn.QuantizedShardedToAllLinear(64, 32, False, 32, 8)
A(nn.QuantizedAllToShardedLinear(64, 32))
A(nn.ShardedToAllLinear(8, 4))
nn.AllToShardedLinear(8, 4)(mx.ones((2, 8))).shape
nn.ShardedToAllLinear(8, 4)(mx.ones((2, 8))).shape
nn.AllToShardedLinear.from_linear(nn.Linear(8, 4))
nn.ShardedToAllLinear.from_linear(nn.Linear(8, 4), segments=1, group=None)
(lambda m: (nn.layers.distributed.shard_inplace(m, 'all-to-sharded'), A(m)))(nn.Linear(8, 4))
(lambda m: (nn.layers.distributed.shard_inplace(m, lambda p, w: None), A(m)))(nn.Linear(8, 4))
(lambda m: (nn.layers.distributed.shard_inplace(m, 'q'), A(m)))(nn.Linear(8, 4))
A(nn.fully_shard(nn.Sequential(nn.Linear(8, 4), nn.ReLU()))) if hasattr(nn, 'fully_shard') else sorted(n for n in dir(nn) if 'shard' in n.lower())
