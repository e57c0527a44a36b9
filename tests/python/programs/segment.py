"""Pictures cut into objects in the manner of Segment Anything: patches, attention in windows with relative positions,
a point as a prompt by random Fourier features, attention both ways between prompt and picture, masks by transposed
convolutions and a small network that makes weights."""

import json
import math

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim
import numpy as np
from mlx.utils import tree_flatten

SIZE, PATCH, DIMS = 24, 2, 24
GRID = SIZE // PATCH


class LayerNorm2d(nn.Module):
    def __init__(self, dims, eps=1e-6):
        super().__init__()
        self.weight, self.bias, self.eps = mx.ones(dims), mx.zeros(dims), eps

    def __call__(self, x):
        mean = x.mean(3, keepdims=True)
        variance = mx.power(x - mean, 2).mean(3, keepdims=True)
        return self.weight * ((x - mean) / mx.sqrt(variance + self.eps)) + self.bias


def relative(q_size, k_size, table):
    """Rows of a table of relative positions, resized to what is needed."""
    longest = 2 * max(q_size, k_size) - 1
    if table.shape[0] != longest:
        scale = longest / table.shape[0]
        table = nn.Upsample(scale_factor=(scale,), mode="linear")(table[None])[0]
    q = np.arange(q_size)[:, None] * max(k_size / q_size, 1.0)
    k = np.arange(k_size)[None, :] * max(q_size / k_size, 1.0)
    return table[mx.array(((q - k) + (k_size - 1) * max(q_size / k_size, 1.0)).astype(np.int32))]


class Attention(nn.Module):
    def __init__(self, dims, heads, size):
        super().__init__()
        self.heads, self.scale = heads, (dims // heads) ** -0.5
        self.qkv, self.proj = nn.Linear(dims, dims * 3), nn.Linear(dims, dims)
        self.rel_pos_h = mx.random.normal((2 * size - 1, dims // heads)) * 0.1
        self.rel_pos_w = mx.random.normal((2 * size - 1, dims // heads)) * 0.1

    def __call__(self, x):
        B, H, W, _ = x.shape
        qkv = self.qkv(x).reshape(B, H * W, 3, self.heads, -1).transpose(2, 0, 3, 1, 4)
        q, k, v = qkv.reshape(3, B * self.heads, H * W, -1)
        scores = (q * self.scale) @ k.transpose(0, 2, 1)
        by_place = q.reshape(B * self.heads, H, W, -1)
        rows = mx.einsum("bhwc,hkc->bhwk", by_place, relative(H, H, self.rel_pos_h))
        columns = mx.einsum("bhwc,wkc->bhwk", by_place, relative(W, W, self.rel_pos_w))
        scores = scores.reshape(-1, H, W, H, W) + rows[..., :, None] + columns[..., None, :]
        x = mx.softmax(scores.reshape(-1, H * W, H * W), axis=-1) @ v
        return self.proj(x.reshape(B, self.heads, H, W, -1).transpose(0, 2, 3, 1, 4).reshape(B, H, W, -1))


class Block(nn.Module):
    def __init__(self, dims, heads, window):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dims, eps=1e-6), nn.LayerNorm(dims, eps=1e-6)
        self.attn = Attention(dims, heads, window or GRID // 2)
        self.mlp = nn.Sequential(nn.Linear(dims, 2 * dims), nn.GELU(), nn.Linear(2 * dims, dims))
        self.window = window

    def __call__(self, x):
        shortcut, x = x, self.norm1(x)
        if self.window:
            B, H, W, C = x.shape
            w = self.window
            pad_h, pad_w = (w - H % w) % w, (w - W % w) % w
            x = mx.pad(x, ((0, 0), (0, pad_h), (0, pad_w), (0, 0)))
            Hp, Wp = H + pad_h, W + pad_w
            x = x.reshape(B, Hp // w, w, Wp // w, w, C).transpose(0, 1, 3, 2, 4, 5).reshape(-1, w, w, C)
            x = self.attn(x)
            x = x.reshape(B, Hp // w, Wp // w, w, w, -1).transpose(0, 1, 3, 2, 4, 5).reshape(B, Hp, Wp, -1)
            x = x[:, :H, :W, :]
        else:
            x = self.attn(x)
        x = shortcut + x
        return x + self.mlp(self.norm2(x))


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.patch_embed = nn.Conv2d(1, DIMS, PATCH, PATCH)
        self.pos_embed = mx.zeros((1, GRID, GRID, DIMS))
        self.blocks = [Block(DIMS, 2, 5), Block(DIMS, 2, 0)]
        convolutions = [nn.Conv2d(DIMS, DIMS, 1, bias=False), nn.Conv2d(DIMS, DIMS, 3, padding=1, bias=False)]
        self.neck = [convolutions[0], LayerNorm2d(DIMS), convolutions[1], LayerNorm2d(DIMS)]

    def __call__(self, x):
        x = self.patch_embed(x) + self.pos_embed
        for block in self.blocks + self.neck:
            x = block(x)
        return x


class Prompt(nn.Module):
    def __init__(self):
        super().__init__()
        self.gaussian = mx.random.normal((2, DIMS // 2))
        self.kinds = nn.Embedding(2, DIMS)
        self.freeze(keys=["gaussian"], recurse=False)

    def encode(self, places):
        angles = 2 * math.pi * ((2 * places - 1) @ self.gaussian)
        return mx.concatenate([mx.sin(angles), mx.cos(angles)], axis=-1)

    def dense(self):
        ones = mx.ones((GRID, GRID))
        y, x = (mx.cumsum(ones, axis=0) - 0.5) / GRID, (mx.cumsum(ones, axis=1) - 0.5) / GRID
        return self.encode(mx.stack([x, y], axis=-1))

    def __call__(self, points, labels):
        x = self.encode(points)
        x = mx.where((labels == -1)[..., None], mx.zeros_like(x), x)
        return x + self.kinds(mx.maximum(labels, 0))


class TwoWay(nn.Module):
    def __init__(self):
        super().__init__()
        self.to_tokens, self.to_image = nn.MultiHeadAttention(DIMS, 2), nn.MultiHeadAttention(DIMS, 2)
        self.norms = [nn.LayerNorm(DIMS) for _ in range(3)]
        self.mlp = nn.Sequential(nn.Linear(DIMS, 48), nn.ReLU(), nn.Linear(48, DIMS))

    def __call__(self, tokens, image, places):
        tokens = self.norms[0](tokens + self.to_image(tokens, image + places, image))
        tokens = self.norms[1](tokens + self.mlp(tokens))
        image = self.norms[2](image + self.to_tokens(image + places, tokens, tokens))
        return tokens, image


class Segmenter(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.prompt, self.ways = Encoder(), Prompt(), [TwoWay(), TwoWay()]
        self.mask_tokens, self.iou_token = nn.Embedding(3, DIMS), nn.Embedding(1, DIMS)
        self.upscale = [nn.ConvTranspose2d(DIMS, 8, 2, stride=2), LayerNorm2d(8), nn.GELU()]
        self.hyper = [nn.Sequential(nn.Linear(DIMS, DIMS), nn.ReLU(), nn.Linear(DIMS, 8)) for _ in range(3)]
        self.iou = nn.Linear(DIMS, 3)

    def __call__(self, image, points, labels):
        image = self.encoder(image)
        B, H, W, C = image.shape
        own = mx.concatenate([self.iou_token.weight, self.mask_tokens.weight], axis=0)
        tokens = mx.concatenate([mx.broadcast_to(own[None], (B, *own.shape)), self.prompt(points, labels)], axis=1)
        image, places = image.flatten(1, 2), mx.repeat(self.prompt.dense().reshape(1, -1, C), B, axis=0)
        for way in self.ways:
            tokens, image = way(tokens, image, places)
        image = image.reshape(B, H, W, C)
        for layer in self.upscale:
            image = layer(image)
        weights = mx.stack([net(tokens[:, 1 + i]) for i, net in enumerate(self.hyper)], axis=1)
        masks = weights @ image.reshape(B, -1, 8).transpose(0, 2, 1)
        return masks.reshape(B, 3, SIZE, SIZE), mx.sigmoid(self.iou(tokens[:, 0]))


def batch(count, seed):
    """Two squares of different brightness; the point lies in one of them."""
    random = np.random.default_rng(seed)
    image = random.normal(0, 0.1, (count, SIZE, SIZE, 1)).astype("f4")
    mask, points = np.zeros((count, SIZE, SIZE), "f4"), np.zeros((count, 2, 2), "f4")
    for i in range(count):
        for j, left in enumerate((0, 12)):
            y, x, side = random.integers(0, 16), left + random.integers(0, 4), random.integers(4, 8)
            image[i, y : y + side, x : x + side] += 0.5 + j
            if j == i % 2:
                mask[i, y : y + side, x : x + side] = 1
                points[i, 0] = ((x + side / 2) / SIZE, (y + side / 2) / SIZE)
    return [mx.array(a) for a in (image, points, np.array([[1, -1]] * count, "i4"), mask)]


def overlap(masks, wanted):
    both = mx.logical_and(masks > 0, wanted[:, None] > 0).sum((2, 3))
    return both / mx.maximum(mx.logical_or(masks > 0, wanted[:, None] > 0).sum((2, 3)), 1)


def loss_of(model, image, points, labels, wanted):
    masks, quality = model(image, points, labels)
    targets = mx.broadcast_to(wanted[:, None], masks.shape)
    each = nn.losses.binary_cross_entropy(masks, targets, reduction="none").mean((2, 3))
    share = mx.sigmoid(masks)
    dice = 1 - (2 * (share * targets).sum((2, 3)) + 1) / (share.sum((2, 3)) + targets.sum((2, 3)) + 1)
    best = mx.argmin(mx.stop_gradient(each + dice), axis=1, keepdims=True)
    found = mx.take_along_axis(each + dice, best, axis=1).mean()
    return found + 0.1 * nn.losses.mse_loss(quality, mx.stop_gradient(overlap(masks, wanted)))


mx.random.seed(3)
model = Segmenter()
mx.eval(model.parameters())
rates = optim.join_schedules([optim.linear_schedule(1e-4, 3e-3, 5), optim.cosine_decay(3e-3, 40)], [5])
optimizer = optim.AdamW(rates, weight_decay=0.01)
value_and_grad = nn.value_and_grad(model, loss_of)
losses = []
for n in range(20):
    loss, gradients = value_and_grad(model, *batch(8, n))
    gradients, norm = optim.clip_grad_norm(gradients, 1.0)
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state)
    losses.append(loss.item())
everything, trained = (dict(tree_flatten(tree)) for tree in (model.parameters(), model.trainable_parameters()))
count = sum(value.size for value in everything.values())
print(json.dumps({"losses": losses, "frozen": sorted(everything.keys() - trained.keys()), "count": count}))
