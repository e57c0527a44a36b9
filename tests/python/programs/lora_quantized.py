"""Low-rank adapters on a quantized network: the base frozen, adapters trained, saved alone and fused again."""

import json
import math
import tempfile

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
from mlx.utils import tree_flatten, tree_map_with_path, tree_unflatten


class LoRALinear(nn.Module):
    @staticmethod
    def from_linear(linear, rank=4):
        outputs, inputs = linear.weight.shape
        inputs = inputs * 32 // linear.bits if isinstance(linear, nn.QuantizedLinear) else inputs
        adapted = LoRALinear(inputs, outputs, rank)
        adapted.linear = linear
        return adapted

    def __init__(self, inputs, outputs, rank, scale=4.0):
        super().__init__()
        self.linear = nn.Linear(inputs, outputs, bias=False)
        bound = 1 / math.sqrt(inputs)
        self.lora_a = mx.random.uniform(low=-bound, high=bound, shape=(inputs, rank))
        self.lora_b = mx.zeros(shape=(rank, outputs))
        self.scale = scale

    def __call__(self, x):
        return self.linear(x) + self.scale * ((x @ self.lora_a) @ self.lora_b)

    def fused(self):
        linear = self.linear
        weight = mx.dequantize(linear.weight, linear.scales, linear.biases, linear.group_size, linear.bits)
        made = nn.Linear(weight.shape[1], weight.shape[0], bias=False)
        made.weight = weight + (self.scale * self.lora_b.T) @ self.lora_a.T
        return made


class Model(nn.Module):
    def __init__(self, dims=64, vocabulary=32):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, dims)
        self.blocks = [{"up": nn.Linear(dims, 2 * dims, bias=False), "down": nn.Linear(2 * dims, dims, bias=False)} for _ in range(2)]
        self.norm = nn.RMSNorm(dims)
        self.head = nn.Linear(dims, vocabulary, bias=False)

    def __call__(self, x):
        x = self.embedding(x)
        x = x + mx.pad(x, [(0, 0), (1, 0), (0, 0)])[:, :-1]
        for block in self.blocks:
            x = x + block["down"](nn.silu(block["up"](self.norm(x))))
        return self.head(x)


def loss_of(model, x, y):
    return nn.losses.cross_entropy(model(x), y).mean()


mx.random.seed(7)
model, tokens = Model(), generated.text(3000)
nn.quantize(model, group_size=32, bits=4, class_predicate=lambda path, module: "blocks" in path and hasattr(module, "to_quantized"))
model.freeze()
for block in model.blocks:
    for name in ("up", "down"):
        block[name] = LoRALinear.from_linear(block[name])
names = sorted(name for name, _ in tree_flatten(model.trainable_parameters()))
optimizer, step, losses = optim.Adam(3e-3), nn.value_and_grad(model, loss_of), []
for seed in range(30):
    loss, gradients = step(model, *map(mx.array, generated.windows(tokens, 8, 16, seed)))
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state, loss)
    losses.append(loss.item())

x, y = map(mx.array, generated.windows(tokens, 16, 16, 1000))
before = loss_of(model, x, y).item()
with tempfile.TemporaryDirectory() as folder:
    mx.savez(f"{folder}/adapters.npz", **dict(tree_flatten(model.trainable_parameters())))
    model.update(tree_map_with_path(lambda name, value: mx.zeros_like(value), model.trainable_parameters()))
    without = loss_of(model, x, y).item()
    model.load_weights(f"{folder}/adapters.npz", strict=False)
fused = [(f"blocks.{index}.{name}", block[name].fused()) for index, block in enumerate(model.blocks) for name in ("up", "down")]
model.update_modules(tree_unflatten(fused))
print(json.dumps({"names": names, "losses": losses, "before": before, "without": without, "fused": loss_of(model, x, y).item()}))
