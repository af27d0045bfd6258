#!/usr/bin/env python3
"""Make the benchmark inputs for checkpoint-reading tools.

Usage:  python make_inputs.py OUT_DIR [--only NAME ...] [--list]

Needs torch (any 2.x; CPU build is enough); numpy is not needed, safetensors
only for the *.safetensors inputs (skipped when it is missing).
Everything is made from fixed seeds.  The tensor *bytes* do not matter to a
static reader, so most payloads are zeros or one repeated random block: that
keeps generation fast while file sizes and record counts stay realistic.

Inputs (approximate size on disk):
  sd_25m.pt            100 MB  state_dict, 25.6 M fp32 parameters, 320 tensors (ResNet-50 shaped)
  sd_25m_legacy.pt     100 MB  the same, pre-1.6 magic-number layout
  sd_25m.safetensors   100 MB  the same as safetensors
  sd_350m_fp16.pt      700 MB  state_dict, ~350 M fp16 parameters, 24 transformer layers
  sd_350m_fp16.safetensors
  many_20k.pt            11 MB 20,000 tensors of 64 fp32 values (record-count stress)
  full_model.pt          47 MB torch.save(model): ResNet-18 sized module with a project-local class
  adam_ckpt.pt          140 MB training checkpoint: model + Adam state + scheduler + bookkeeping
  zeros_2g.pt             2 GB one 2 GiB tensor, stored zeros, written sparsely (few KB on disk)
  scripted.pt            ~1 MB TorchScript archive
  dir_500/              500 small state_dicts (about 20 KB each)
"""

from __future__ import annotations

import argparse
import io
import os
import pickle
import struct
import sys
import types
import zipfile
import zlib
from collections import OrderedDict
from pathlib import Path

import torch
from torch import nn


# --------------------------------------------------------------------------- helpers
def _filled(shape, dtype=torch.float32):
    """A tensor whose bytes are a cheap repeated random block (not all zero)."""
    n = 1
    for s in shape:
        n *= s
    gen = torch.Generator().manual_seed(1234)
    block = torch.randn(min(n, 1 << 16), generator=gen).to(dtype)
    reps = -(-n // block.numel())
    return block.repeat(reps)[:n].reshape(shape).clone()


def resnet50_like():
    """Names and shapes of a ResNet-50 state_dict, without importing torchvision."""
    sd = OrderedDict()

    def bn(name, c):
        sd[f"{name}.weight"] = _filled((c,))
        sd[f"{name}.bias"] = _filled((c,))
        sd[f"{name}.running_mean"] = _filled((c,))
        sd[f"{name}.running_var"] = _filled((c,))
        sd[f"{name}.num_batches_tracked"] = torch.tensor(0)

    sd["conv1.weight"] = _filled((64, 3, 7, 7))
    bn("bn1", 64)
    cin = 64
    for li, (blocks, width) in enumerate([(3, 64), (4, 128), (6, 256), (3, 512)], start=1):
        for b in range(blocks):
            p = f"layer{li}.{b}"
            sd[f"{p}.conv1.weight"] = _filled((width, cin, 1, 1))
            bn(f"{p}.bn1", width)
            sd[f"{p}.conv2.weight"] = _filled((width, width, 3, 3))
            bn(f"{p}.bn2", width)
            sd[f"{p}.conv3.weight"] = _filled((width * 4, width, 1, 1))
            bn(f"{p}.bn3", width * 4)
            if b == 0:
                sd[f"{p}.downsample.0.weight"] = _filled((width * 4, cin, 1, 1))
                bn(f"{p}.downsample.1", width * 4)
            cin = width * 4
    sd["fc.weight"] = _filled((1000, 2048))
    sd["fc.bias"] = _filled((1000,))
    return sd


def transformer_350m(dtype=torch.float16, layers=24, d=1024, vocab=50257):
    sd = OrderedDict()
    sd["wte.weight"] = _filled((vocab, d), dtype)
    sd["wpe.weight"] = _filled((1024, d), dtype)
    for i in range(layers):
        p = f"h.{i}"
        for ln in ("ln_1", "ln_2"):
            sd[f"{p}.{ln}.weight"] = _filled((d,), dtype)
            sd[f"{p}.{ln}.bias"] = _filled((d,), dtype)
        sd[f"{p}.attn.c_attn.weight"] = _filled((d, 3 * d), dtype)
        sd[f"{p}.attn.c_attn.bias"] = _filled((3 * d,), dtype)
        sd[f"{p}.attn.c_proj.weight"] = _filled((d, d), dtype)
        sd[f"{p}.attn.c_proj.bias"] = _filled((d,), dtype)
        sd[f"{p}.mlp.c_fc.weight"] = _filled((d, 4 * d), dtype)
        sd[f"{p}.mlp.c_fc.bias"] = _filled((4 * d,), dtype)
        sd[f"{p}.mlp.c_proj.weight"] = _filled((4 * d, d), dtype)
        sd[f"{p}.mlp.c_proj.bias"] = _filled((d,), dtype)
    sd["ln_f.weight"] = _filled((d,), dtype)
    sd["ln_f.bias"] = _filled((d,), dtype)
    return sd


def _project_module():
    """A throw-away importable module that plays the part of the user's own code."""
    name = "bench_project_models"
    if name in sys.modules:
        return sys.modules[name]
    mod = types.ModuleType(name)
    src = """
import torch
from torch import nn

class Block(nn.Module):
    def __init__(self, cin, cout, stride=1):
        super().__init__()
        self.conv1 = nn.Conv2d(cin, cout, 3, stride, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(cout)
        self.conv2 = nn.Conv2d(cout, cout, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(cout)
        self.act = nn.ReLU(inplace=True)
        self.down = nn.Sequential(nn.Conv2d(cin, cout, 1, stride, bias=False), nn.BatchNorm2d(cout)) if stride != 1 or cin != cout else None
    def forward(self, x):
        y = self.act(self.bn1(self.conv1(x)))
        y = self.bn2(self.conv2(y))
        return self.act(y + (x if self.down is None else self.down(x)))

class ProjectNet(nn.Module):
    def __init__(self, classes=1000):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 64, 7, 2, 3, bias=False), nn.BatchNorm2d(64), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        layers, cin = [], 64
        for width, stride in ((64, 1), (128, 2), (256, 2), (512, 2)):
            layers += [Block(cin, width, stride), Block(width, width)]
            cin = width
        self.body = nn.Sequential(*layers)
        self.head = nn.Linear(512, classes)
    def forward(self, x):
        x = self.body(self.stem(x)).mean((2, 3))
        return self.head(x)
"""
    exec(compile(src, name, "exec"), mod.__dict__)
    sys.modules[name] = mod
    return mod


# --------------------------------------------------------------------------- the inputs
def make_sd_25m(out):
    torch.save(resnet50_like(), out / "sd_25m.pt")


def make_sd_25m_legacy(out):
    torch.save(resnet50_like(), out / "sd_25m_legacy.pt", _use_new_zipfile_serialization=False)


def _safetensors(sd, path):
    try:
        from safetensors.torch import save_file
    except ImportError:
        print("   safetensors not installed, skipped")
        return
    save_file({k: v.contiguous() for k, v in sd.items()}, str(path), metadata={"format": "pt"})


def make_sd_25m_safetensors(out):
    _safetensors(resnet50_like(), out / "sd_25m.safetensors")


def make_sd_350m_fp16(out):
    torch.save(transformer_350m(), out / "sd_350m_fp16.pt")


def make_sd_350m_fp16_safetensors(out):
    _safetensors(transformer_350m(), out / "sd_350m_fp16.safetensors")


def make_many_20k(out):
    sd = OrderedDict(
        (f"experts.{i // 100}.layers.{i % 100}.weight", torch.full((64,), float(i))) for i in range(20_000)
    )
    torch.save(sd, out / "many_20k.pt")


def make_full_model(out):
    torch.manual_seed(0)
    torch.save(_project_module().ProjectNet(), out / "full_model.pt")


def make_adam_ckpt(out):
    torch.manual_seed(0)
    model = _project_module().ProjectNet()
    opt = torch.optim.Adam(model.parameters(), lr=1e-3)
    sched = torch.optim.lr_scheduler.StepLR(opt, 10)
    for p in model.parameters():
        p.grad = torch.zeros_like(p)
    opt.step()
    sched.step()
    torch.save(
        {
            "epoch": 12,
            "global_step": 34_567,
            "model_state_dict": model.state_dict(),
            "optimizer_state_dict": opt.state_dict(),
            "lr_scheduler": sched.state_dict(),
            "loss": 0.123,
            "hyper_parameters": {"lr": 1e-3, "batch_size": 64, "arch": "projectnet"},
        },
        out / "adam_ckpt.pt",
    )


def make_zeros_2g(out, size=2 * 1024**3):
    """A valid torch zip whose only storage is `size` zero bytes, written with a hole."""
    # data.pkl as torch would write it, for one fp32 tensor of size/4 elements
    buf = io.BytesIO()
    n = size // 4

    class P(pickle._Pickler):
        def persistent_id(self, obj):
            if isinstance(obj, _Pid):
                return obj.pid
            return None

    class _Pid:
        def __init__(self, pid):
            self.pid = pid

    class _Rebuild:
        def __reduce__(self):
            pid = _Pid(("storage", torch.FloatStorage, "0", "cpu", n))
            return torch._utils._rebuild_tensor_v2, (pid, 0, (n,), (1,), False, OrderedDict())

    P(buf, protocol=2).dump(OrderedDict(weight=_Rebuild()))
    data_pkl = buf.getvalue()

    def crc_of_zeros(total):
        block = bytes(1 << 24)
        crc, left = 0, total
        while left:
            k = min(left, len(block))
            crc = zlib.crc32(block[:k], crc)
            left -= k
        return crc & 0xFFFFFFFF

    entries = []
    with open(out / "zeros_2g.pt", "wb") as f:

        def add(name, payload, hole=0):
            raw = name.encode()
            offset = f.tell()
            length = hole or len(payload)
            crc = crc_of_zeros(hole) if hole else zlib.crc32(payload) & 0xFFFFFFFF
            pad = (64 - (offset + 30 + len(raw)) % 64) % 64
            if pad and pad < 4:
                pad += 64
            extra = (b"FB" + struct.pack("<H", pad - 4) + b"Z" * (pad - 4)) if pad else b""
            f.write(struct.pack("<4s5H3I2H", b"PK\x03\x04", 20, 0, 0, 0, 0, crc, length, length, len(raw), len(extra)))
            f.write(raw + extra)
            if hole:
                f.seek(hole - 1, os.SEEK_CUR)
                f.write(b"\0")
            else:
                f.write(payload)
            entries.append((raw, offset, crc, length))

        add("zeros_2g/data.pkl", data_pkl)
        add("zeros_2g/byteorder", b"little")
        add("zeros_2g/data/0", b"", hole=size)
        add("zeros_2g/version", b"3\n")
        start = f.tell()
        for raw, offset, crc, length in entries:
            f.write(
                struct.pack(
                    "<4s6H3I5H2I",
                    b"PK\x01\x02",
                    20,
                    20,
                    0,
                    0,
                    0,
                    0,
                    crc,
                    length,
                    length,
                    len(raw),
                    0,
                    0,
                    0,
                    0,
                    0,
                    offset,
                )
            )
            f.write(raw)
        end = f.tell()
        f.write(struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, len(entries), len(entries), end - start, start, 0))
    with zipfile.ZipFile(out / "zeros_2g.pt") as z:  # directory must parse
        assert len(z.infolist()) == 4


def make_scripted(out):
    net = nn.Sequential(
        nn.Conv2d(3, 16, 3),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Conv2d(16, 64, 3),
        nn.Flatten(),
        nn.Linear(64 * 28 * 28, 4),
    )
    net.eval()
    torch.jit.save(torch.jit.trace(net, torch.zeros(1, 3, 32, 32)), str(out / "scripted.pt"))


def make_dir_500(out):
    d = out / "dir_500"
    d.mkdir(exist_ok=True)
    for i in range(500):
        torch.manual_seed(i)
        net = nn.Sequential(nn.Linear(32, 64), nn.ReLU(), nn.Linear(64, 32), nn.Linear(32, 10))
        torch.save(net.state_dict(), d / f"model_{i:03d}.{'pt' if i % 2 else 'pth'}")


MAKERS = {
    "sd_25m": make_sd_25m,
    "sd_25m_legacy": make_sd_25m_legacy,
    "sd_25m_safetensors": make_sd_25m_safetensors,
    "sd_350m_fp16": make_sd_350m_fp16,
    "sd_350m_fp16_safetensors": make_sd_350m_fp16_safetensors,
    "many_20k": make_many_20k,
    "full_model": make_full_model,
    "adam_ckpt": make_adam_ckpt,
    "zeros_2g": make_zeros_2g,
    "scripted": make_scripted,
    "dir_500": make_dir_500,
}


def main():
    ap = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ap.add_argument("out", type=Path, nargs="?", default=Path("bench-inputs"))
    ap.add_argument("--only", nargs="*", choices=sorted(MAKERS))
    ap.add_argument("--list", action="store_true")
    a = ap.parse_args()
    if a.list:
        print("\n".join(MAKERS))
        return
    a.out.mkdir(parents=True, exist_ok=True)
    for name, fn in MAKERS.items():
        if a.only and name not in a.only:
            continue
        print("making", name, flush=True)
        fn(a.out)


if __name__ == "__main__":
    main()
