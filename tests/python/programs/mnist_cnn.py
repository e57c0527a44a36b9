"""A convolutional network with pooling and dropout on pictures; weights saved and loaded again before the validation."""

import json
import tempfile

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim

mx.random.seed(1)
images, labels = map(mx.array, generated.pictures(256, 10))


def network():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2, 2),
        nn.Conv2d(8, 16, 3, padding=1), nn.BatchNorm(16), nn.ReLU(), nn.AvgPool2d(2, 2),
        lambda x: x.reshape(x.shape[0], -1), nn.Linear(3 * 3 * 16, 32), nn.GELU(), nn.Dropout(0.1), nn.Linear(32, 10),
    )  # fmt: skip


def loss_of(model, x, y):
    return nn.losses.cross_entropy(model(x), y).mean()


model = network()
optimizer = optim.AdamW(learning_rate=optim.cosine_decay(3e-3, 40), weight_decay=0.01)
step = nn.value_and_grad(model, loss_of)
losses = []
for start in list(range(0, 192, 32)) * 4:
    loss, gradients = step(model, images[start : start + 32], labels[start : start + 32])
    gradients, _ = optim.clip_grad_norm(gradients, 1.0)
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state, loss)
    losses.append(loss.item())

with tempfile.TemporaryDirectory() as folder:
    model.save_weights(f"{folder}/weights.safetensors")
    restored = network()
    restored.load_weights(f"{folder}/weights.safetensors")
restored.eval()
print(json.dumps({"losses": losses, "validation": loss_of(restored, images[192:], labels[192:]).item()}))
