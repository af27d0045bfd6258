"""Networks to measure: one for each kind of layer that decides memory. Plain torch, no weights to download.

`NETWORKS`: name → (factory, shape of an input without its batch, batches).
"""

import torch
from torch import nn
from torch.nn import functional as F  # noqa: N812 - what everybody calls it


class MLP(nn.Module):
    def __init__(self, width: int = 4096, depth: int = 6) -> None:
        super().__init__()
        self.layers = nn.ModuleList(nn.Linear(1024 if index == 0 else width, width) for index in range(depth - 1))
        self.head = nn.Linear(width, 1000)

    def forward(self, x):
        for layer in self.layers:
            x = F.relu(layer(x))
        return self.head(x)


class Bottleneck(nn.Module):
    def __init__(self, inside: int, middle: int, outside: int, stride: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = nn.Conv2d(inside, middle, 1, bias=False), nn.BatchNorm2d(middle)
        self.conv2, self.norm2 = nn.Conv2d(middle, middle, 3, stride, 1, bias=False), nn.BatchNorm2d(middle)
        self.conv3, self.norm3 = nn.Conv2d(middle, outside, 1, bias=False), nn.BatchNorm2d(outside)
        self.skip = None
        if stride != 1 or inside != outside:
            self.skip = nn.Sequential(nn.Conv2d(inside, outside, 1, stride, bias=False), nn.BatchNorm2d(outside))

    def forward(self, x):
        y = F.relu(self.norm1(self.conv1(x)), inplace=True)
        y = F.relu(self.norm2(self.conv2(y)), inplace=True)
        y = self.norm3(self.conv3(y))
        y += x if self.skip is None else self.skip(x)
        return F.relu(y, inplace=True)


class ResNet50(nn.Module):
    def __init__(self, blocks: tuple[int, ...] = (3, 4, 6, 3), width: int = 64) -> None:
        super().__init__()
        self.stem = nn.Sequential(
            nn.Conv2d(3, width, 7, 2, 3, bias=False), nn.BatchNorm2d(width), nn.ReLU(True), nn.MaxPool2d(3, 2, 1)
        )
        layers, inside = [], width
        for stage, number in enumerate(blocks):
            middle = width * 2**stage
            for index in range(number):
                layers.append(Bottleneck(inside, middle, middle * 4, 2 if index == 0 and stage else 1))
                inside = middle * 4
        self.body, self.head = nn.Sequential(*layers), nn.Linear(inside, 1000)

    def forward(self, x):
        return self.head(self.body(self.stem(x)).mean((2, 3)))


class UNet(nn.Module):
    def __init__(self, width: int = 32, depth: int = 4) -> None:
        super().__init__()

        def twice(inside: int, outside: int) -> nn.Sequential:
            return nn.Sequential(
                nn.Conv2d(inside, outside, 3, 1, 1), nn.BatchNorm2d(outside), nn.ReLU(True),
                nn.Conv2d(outside, outside, 3, 1, 1), nn.BatchNorm2d(outside), nn.ReLU(True),
            )  # fmt: skip

        sizes = [width * 2**level for level in range(depth)]
        self.down = nn.ModuleList(twice(inside, outside) for inside, outside in zip([3, *sizes], sizes, strict=False))
        self.middle = twice(sizes[-1], sizes[-1] * 2)
        self.up = nn.ModuleList(nn.ConvTranspose2d(size * 2, size, 2, 2) for size in reversed(sizes))
        self.join = nn.ModuleList(twice(size * 2, size) for size in reversed(sizes))
        self.head = nn.Conv2d(width, 2, 1)

    def forward(self, x):
        skips = []
        for layer in self.down:
            x = layer(x)
            skips.append(x)
            x = F.max_pool2d(x, 2)
        x = self.middle(x)
        for up, join in zip(self.up, self.join, strict=True):
            x = join(torch.cat([skips.pop(), up(x)], 1))
        return self.head(x)


class Block(nn.Module):
    def __init__(self, width: int, heads: int, causal: bool, eager: bool) -> None:
        super().__init__()
        self.heads, self.causal, self.eager = heads, causal, eager
        self.query, self.key, self.value, self.out = (nn.Linear(width, width) for _ in range(4))
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def attend(self, x):
        batch, tokens, width = x.shape
        query, key, value = (
            layer(x).view(batch, tokens, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.query, self.key, self.value)
        )
        if self.eager:
            y = ((query @ key.transpose(-1, -2)) * (width // self.heads) ** -0.5).softmax(-1) @ value
        else:
            y = F.scaled_dot_product_attention(query, key, value, is_causal=self.causal)
        return self.out(y.transpose(1, 2).reshape(batch, tokens, width))

    def forward(self, x):
        if self.causal:
            x = x + self.attend(self.norm1(x))
            return x + self.down(F.gelu(self.up(self.norm2(x))))
        x = self.norm1(x + self.attend(x))
        return self.norm2(x + self.down(F.gelu(self.up(x))))


class Transformer(nn.Module):
    def __init__(self, vocabulary: int, layers: int, *, causal: bool, eager: bool = False) -> None:
        super().__init__()
        self.table, self.places = nn.Embedding(vocabulary, 768), nn.Embedding(2048, 768)
        self.blocks = nn.ModuleList(Block(768, 12, causal, eager) for _ in range(layers))
        self.norm = nn.LayerNorm(768)
        self.head = nn.Linear(768, vocabulary if causal else 2, bias=False)
        self.causal = causal

    def forward(self, ids):
        x = self.table(ids) + self.places.weight[: ids.shape[1]]
        for block in self.blocks:
            x = block(x)
        return self.head(self.norm(x)) if self.causal else self.head(x[:, 0])


class LSTM(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.table, self.layers, self.head = (
            nn.Embedding(20000, 512),
            nn.LSTM(512, 1024, 2, batch_first=True),
            nn.Linear(1024, 10),
        )

    def forward(self, ids):
        return self.head(self.layers(self.table(ids))[0][:, -1])


def bert() -> nn.Module:
    return Transformer(30522, 12, causal=False)


def bert_eager() -> nn.Module:
    return Transformer(30522, 4, causal=False, eager=True)


def gpt2() -> nn.Module:
    return Transformer(50257, 4, causal=True)


NETWORKS = {
    "MLP": (MLP, "1024", (1, 256)),
    "ResNet-50": (ResNet50, "3x224x224", (1, 8)),
    "UNet": (UNet, "3x256x256", (1, 4)),
    "BERT, SDPA": (bert, "128:int64", (1, 8)),
    "BERT, eager": (bert_eager, "512:int64", (1, 4)),
    "GPT-2, all logits": (gpt2, "512:int64", (1, 2)),
    "LSTM": (LSTM, "100:int64", (1, 16)),
}
