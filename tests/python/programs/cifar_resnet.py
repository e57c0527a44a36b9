"""A residual network with batch norm on pictures of three channels, one group of the optimizer for the shortcuts."""

import json

import generated
import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optim


class Shortcut(nn.Module):
    """The input on a coarser grid, with channels of zeros added."""

    def __init__(self, channels):
        super().__init__()
        self.channels = channels

    def __call__(self, x):
        return mx.pad(x[:, ::2, ::2, :], [(0, 0), (0, 0), (0, 0), (self.channels // 4, self.channels // 4)])


class Block(nn.Module):
    def __init__(self, inputs, outputs, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride=stride, padding=1, bias=False)
        self.bn1 = nn.BatchNorm(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, padding=1, bias=False)
        self.bn2 = nn.BatchNorm(outputs)
        self.shortcut = Shortcut(outputs) if stride != 1 else None

    def __call__(self, x):
        out = self.bn2(self.conv2(nn.relu(self.bn1(self.conv1(x)))))
        return nn.relu(out + (x if self.shortcut is None else self.shortcut(x)))


class ResNet(nn.Module):
    def __init__(self, classes=10):
        super().__init__()
        self.conv1 = nn.Conv2d(3, 8, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm(8)
        self.layer1 = nn.Sequential(Block(8, 8), Block(8, 8))
        self.layer2 = nn.Sequential(Block(8, 16, 2), Block(16, 16))
        self.linear = nn.Linear(16, classes)

    def __call__(self, x):
        x = self.layer2(self.layer1(nn.relu(self.bn1(self.conv1(x)))))
        return self.linear(mx.mean(x, axis=[1, 2]).reshape(x.shape[0], -1))


mx.random.seed(3)
images, labels = map(mx.array, generated.pictures(160, 10, channels=3))
images = (images - mx.array([0.485, 0.456, 0.406])) / mx.array([0.229, 0.224, 0.225])
model = ResNet()
optimizer = optim.MultiOptimizer([optim.SGD(0.05, momentum=0.9), optim.Adam(1e-3)], [lambda name, _: "linear" not in name])


def train_step(model, x, y):
    output = model(x)
    loss = mx.mean(nn.losses.cross_entropy(output, y))
    return loss, mx.mean(mx.argmax(output, axis=1) == y)


step = nn.value_and_grad(model, train_step)
losses = []
for start in list(range(0, 128, 32)) * 4:
    (loss, accuracy), gradients = step(model, images[start : start + 32], labels[start : start + 32])
    optimizer.update(model, gradients)
    mx.eval(model.parameters(), optimizer.state)
    losses.append(loss.item())
model.eval()
print(json.dumps({"losses": losses, "validation": train_step(model, images[128:], labels[128:])[0].item()}))
