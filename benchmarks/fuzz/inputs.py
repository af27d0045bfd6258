"""What the fuzz program feeds: real checkpoints with damage that knows their structure, and programs of random opcodes."""

import gzip
import io
import json
import pickletools
import random
import struct
import sys
import tarfile
import zipfile
import zlib
from pathlib import Path
from typing import NamedTuple

from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT))
from tests.hostile import archives, execution, streams  # noqa: E402
from tests.hostile.forge import Member, archive, torch_members  # noqa: E402

# Larger samples are about quantity, and mutating them takes too long.
MAX_SEED_BYTES = 64 << 10
NUMBERS = (
    0,
    1,
    2,
    4,
    7,
    8,
    0x7F,
    0x80,
    0xFF,
    0x100,
    0xFFFF,
    1 << 24,
    0x7FFFFFFF,
    0x80000000,
    0xFFFFFFFF,
    1 << 62,
    (1 << 64) - 1,
)
GLOBALS = (
    b"torch._utils\n_rebuild_tensor_v2",
    b"torch._utils\n_rebuild_tensor_v3",
    b"torch._utils\n_rebuild_parameter",
    b"torch._utils\n_rebuild_parameter_with_state",
    b"torch._utils\n_rebuild_sparse_tensor",
    b"torch._utils\n_rebuild_qtensor",
    b"torch._utils\n_rebuild_meta_tensor_no_storage",
    b"torch._utils\n_rebuild_wrapper_subclass",
    b"torch._tensor\n_rebuild_from_type_v2",
    b"torch.nn.modules.linear\nLinear",
    b"torch.nn.modules.container\nSequential",
    b"torch.storage\n_load_from_bytes",
    b"torch\nFloatStorage",
    b"torch\nfloat32",
    b"torch\ndevice",
    b"torch\nSize",
    b"collections\nOrderedDict",
    b"collections\ndefaultdict",
    b"builtins\nset",
    b"builtins\ngetattr",
    b"_codecs\nencode",
    b"copyreg\n_reconstructor",
    b"numpy.core.multiarray\n_reconstruct",
    b"numpy._core.multiarray\nscalar",
    b"numpy\ndtype",
    b"numpy\nndarray",
    b"joblib.numpy_pickle\nNumpyArrayWrapper",
    b"pathlib\nPosixPath",
    b"functools\npartial",
    b"os\nsystem",
    b"__main__\nNet",
    b"argparse\nNamespace",
    b"datetime\ndatetime",
    b"dill._dill\n_create_function",
    b"cloudpickle.cloudpickle\n_make_function",
)
TEXTS = (
    "storage",
    "0",
    "cpu",
    "cuda:0",
    "w",
    "model",
    "state_dict",
    "optimizer",
    "epoch",
    "module.a",
    "_modules",
    "_parameters",
    "\x1b[31m",
    "a.b",
    "",
)


def seeds() -> list[bytes]:
    """The fixtures and the small hostile samples."""
    files = [
        path for path in (ROOT / "fixtures").rglob("*") if path.is_file() and path.stat().st_size <= MAX_SEED_BYTES
    ]
    files += list((ROOT / "tests" / "readers" / "checkpoint" / "data").glob("*"))
    found = [path.read_bytes() for path in files if path.suffix not in {".py", ".md"}]
    for module in (execution, streams, archives):
        for sample in module.SAMPLES:
            if any(
                word in sample.name for word in ("bomb", "million", "thousand", "megabyte", "laughs", "long pickles")
            ):
                continue
            content = sample.make("/nowhere/canary")
            found += [content] if isinstance(content, bytes) else list(content.values())
    return [data for data in found if 0 < len(data) <= MAX_SEED_BYTES]


SEEDS = seeds()
PICKLES = [data for data in SEEDS if data[:1] == b"\x80"]
for _seed in SEEDS:
    if _seed[:2] == b"PK":
        try:
            with zipfile.ZipFile(io.BytesIO(_seed)) as _archive:
                PICKLES += [_archive.read(name) for name in _archive.namelist() if name.endswith(".pkl")]
        except Exception:  # noqa: BLE001 - the hostile ones
            continue


# --------------------------------------------------------------------------- bytes

randoms = st.randoms(use_true_random=False)


def number(source: random.Random) -> bytes:
    """A length, an offset or an index at the edge of something."""
    raw = struct.pack("<Q", source.choice(NUMBERS))[: source.choice([1, 2, 4, 8])]
    return raw if source.random() < 0.9 else raw[::-1]


def damaged(data: bytes, source: random.Random, times: int) -> bytes:
    """Bytes with some of them changed, removed, repeated or taken from another file."""
    for _ in range(times):
        if not data:
            return data
        at = source.randrange(len(data))
        end = min(len(data), at + source.choice([1, 1, 2, 4, 8, 30, 200]))
        change = source.randrange(7)
        if change == 0:
            data = data[:at] + bytes([source.randrange(256)]) + data[at + 1 :]
        elif change == 1:
            data = data[:at] + number(source) + data[at:]
        elif change == 2:
            value = number(source)
            data = data[:at] + value + data[at + len(value) :]
        elif change == 3:
            data = data[:at] + data[end:]
        elif change == 4:
            data = data[:at] + data[at:end] * source.choice([2, 2, 3, 50]) + data[end:]
        elif change == 5:
            other = source.choice(SEEDS)
            start = source.randrange(len(other))
            data = data[:at] + other[start : start + source.choice([4, 30, 300])] + data[at:]
        else:
            data = data[:at]
    return data


# --------------------------------------------------------------------------- pickles


def opcode(source: random.Random) -> bytes:
    """One opcode with an operand that may make sense."""
    choice = source.randrange(14)
    if choice <= 4:
        return source.choice(b"(.0120NR)]}abdelostuQ\x81\x85\x86\x87\x88\x89\x8f\x90\x91\x92\x93\x94\x97\x98").to_bytes(
            1, "little"
        )
    if choice == 5:
        return b"c" + source.choice(GLOBALS) + b"\n"
    if choice == 6:
        raw = source.choice(TEXTS).encode()
        return b"X" + struct.pack("<I", len(raw)) + raw
    if choice == 7:
        return source.choice([b"K", b"h", b"q", b"\x82"]) + bytes([source.randrange(8)])
    if choice == 8:
        return source.choice([b"J", b"r", b"j", b"\x84"]) + struct.pack("<I", source.choice(NUMBERS) & 0xFFFFFFFF)
    if choice == 9:
        raw = number(source)
        return b"\x8a" + bytes([len(raw)]) + raw
    if choice == 10:
        raw = source.choice(SEEDS)[:40]
        return source.choice([b"B", b"T", b"X"]) + struct.pack("<I", len(raw)) + raw
    if choice == 11:
        return (
            source.choice([b"I", b"L", b"F", b"p", b"g", b"V", b"S", b"P", b"i"])
            + source.choice([b"1", b"-1", b"x\ny", b"'a'", b"1e9", b""])
            + b"\n"
        )
    if choice == 12:
        return (
            b"c"
            + source.choice(GLOBALS)
            + b"\n("
            + b"".join(opcode(source) for _ in range(source.randrange(4)))
            + b"tR"
        )
    return bytes([source.randrange(256)])


def program(source: random.Random, length: int) -> bytes:
    return b"\x80" + bytes([source.choice([0, 2, 2, 3, 4, 5])]) + b"".join(opcode(source) for _ in range(length)) + b"."


def split(data: bytes) -> list[bytes]:
    """The opcodes of a pickle, and what comes behind it as the last part."""
    starts = []
    try:
        starts = [position for _, _, position in pickletools.genops(data)]
    except Exception:  # noqa: BLE001 - what cannot be told apart stays together
        starts = starts or [0]
    return [data[start:end] for start, end in zip(starts, [*starts[1:], len(data)], strict=True)]


def rearranged(data: bytes, source: random.Random, times: int) -> bytes:
    """A pickle with opcodes removed, repeated, moved, added or taken from another one."""
    parts = split(data)
    for _ in range(times):
        at = source.randrange(len(parts) + 1)
        change = source.randrange(6)
        if change == 0:
            parts.insert(at, opcode(source))
        elif change == 1:
            del parts[at : at + source.choice([1, 1, 2, 10])]
        elif change == 2 and at < len(parts):
            parts[at:at] = parts[at : at + source.choice([1, 5, 50])] * source.choice([1, 1, 20])
        elif change == 3 and at < len(parts):
            parts[at] = opcode(source)
        elif change == 4 and parts:
            parts.insert(at, parts.pop(source.randrange(len(parts))))
        else:
            other = split(source.choice(PICKLES))
            start = source.randrange(len(other))
            parts[at:at] = other[start : start + source.choice([1, 10, 100])]
        parts = parts or [b"."]
    return b"".join(parts)


# --------------------------------------------------------------------------- containers


def zipped(pickle: bytes, source: random.Random) -> bytes:
    """The pickle in a torch.save zip, some of whose headers lie."""
    members = torch_members(pickle, source.choice(["archive", "archive", "m", ""]))
    for name in (
        "constants.pkl",
        "code/__torch__.py",
        "extra.pkl",
        "data/1",
        ".data/extern_modules",
        "archive_format",
        "model.json",
    ):
        if source.random() < 0.08:
            members.append(Member(f"archive/{name}", source.choice(PICKLES)[:2000]))
    for _ in range(source.choice([0, 0, 0, 1, 2])):
        at = source.randrange(len(members))
        field = source.choice(
            [
                "name",
                "method",
                "flags",
                "crc",
                "packed_bytes",
                "size_bytes",
                "local_name",
                "local_method",
                "local_size",
                "offset",
            ]
        )
        value: object = source.choice(NUMBERS) & (
            0xFFFF if field in {"method", "flags", "local_method"} else 0xFFFFFFFF
        )
        if field in {"name", "local_name"}:
            value = source.choice(
                [b"archive/data.pkl", b"archive/data/0", b"../x", b"\xff\x00", b"archive/DATA.PKL", b""]
            )
        members[at] = members[at]._replace(**{field: value})  # type: ignore[arg-type]
    if source.random() < 0.2:
        source.shuffle(members)
    if source.random() < 0.1:
        members.append(source.choice(members))
    return archive(*members, comment=source.choice([b"", b"", b"PK\5\6" + bytes(18)]))


def header(source: random.Random) -> bytes:
    """A safetensors file of a few tensors, some of which lie."""
    tensors: dict[str, object] = {}
    at = 0
    for index in range(source.randrange(5)):
        size = source.choice([0, 1, 2, 4, 8])
        entry: dict[str, object] = {
            "dtype": source.choice(["F32", "F16", "U8", "F4", "BOOL", "X"]),
            "shape": [size],
            "data_offsets": [at, at + 4 * size],
        }
        at += 4 * size
        if source.random() < 0.3:
            entry[source.choice(["dtype", "shape", "data_offsets", "more"])] = source.choice(
                [None, 1, "x", [], [1], [-1], [1, 2, 3], [0, 1 << 62], [1 << 62, 1 << 62], {}, True, 1.5]
            )
        tensors[source.choice(["a", "b", f"t{index}", "\x1b", "__metadata__"])] = entry
    if source.random() < 0.3:
        tensors["__metadata__"] = source.choice([None, {}, {"format": "pt"}, {"a": 1}, [], "x"])
    raw = json.dumps(tensors).encode() + b" " * source.choice([0, 0, 3, 8])
    length = len(raw) if source.random() < 0.9 else source.choice(NUMBERS)
    return (
        struct.pack("<Q", length)
        + damaged(raw, source, source.choice([0, 0, 0, 1]))
        + bytes(source.choice([at, at, max(0, at - 3), at + 5]))
    )


def tarred(pickle: bytes, source: random.Random) -> bytes:
    """The pickle in a tar, as torch 0.1 wrote it or as people pack models."""
    buffer = io.BytesIO()
    names = source.choice([["sys_info", "pickle", "storages", "tensors"], ["model.pt"], ["a/b.pth", "x"]])
    with tarfile.open(fileobj=buffer, mode="w", format=source.choice([tarfile.PAX_FORMAT, tarfile.GNU_FORMAT])) as tar:
        for name in names:
            content = source.choice([pickle, b"\x80\2K\2." * 3, rearranged(source.choice(PICKLES), source, 2)])
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    return buffer.getvalue()


class Made(NamedTuple):
    """A suffix and a file, or a folder."""

    suffix: str
    content: bytes | dict[str, bytes]

    def __repr__(self) -> str:  # Hypothesis prints what breaks something, and the file is kept anyway
        return f"<{len(self.content):,} {'files' if isinstance(self.content, dict) else 'bytes'}>"


@st.composite
def inputs(draw: st.DrawFn) -> Made:
    """What is examined next."""
    source = draw(randoms)
    kind = draw(st.integers(0, 11))
    times = draw(st.integers(1, 6))
    if kind == 0:
        content = damaged(source.choice(SEEDS), source, times)
    elif kind == 1:
        content = program(source, draw(st.integers(0, 40)))
    elif kind == 2:
        content = header(source)
    elif kind <= 4:
        content = rearranged(source.choice(PICKLES), source, times)
    elif kind <= 7:
        inner = (
            rearranged(source.choice(PICKLES), source, times) if kind < 7 else program(source, draw(st.integers(0, 40)))
        )
        content = zipped(inner, source)
    elif kind == 8:
        content = tarred(rearranged(source.choice(PICKLES), source, times), source)
    elif kind == 9:
        magic = b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19." + b"\x80\x02M\xe9\x03."
        content = (
            magic
            + b"".join(rearranged(source.choice(PICKLES), source, times) for _ in range(source.randrange(4)))
            + bytes(32)
        )
    elif kind == 10:
        inner = zipped(rearranged(source.choice(PICKLES), source, times), source)
        content = source.choice(
            [gzip.compress, zlib.compress, lambda data: archive(Member("m.pt", data, method=source.choice([0, 8])))]
        )(inner)
    else:
        return Made("", folder(source))
    if source.random() < 0.15:
        content = damaged(content, source, 1)
    return Made(draw(st.sampled_from([".pt", ".pt", ".pkl", ".safetensors", ".bin", ".joblib", ".pt2", ""])), content)


def folder(source: random.Random) -> dict[str, bytes]:
    """A model folder with damaged parts."""
    names = [
        "model-00001-of-00002.safetensors",
        "model-00002-of-00002.safetensors",
        "pytorch_model.bin",
        "training_args.bin",
    ]
    files = {
        name: source.choice([header(source), source.choice(SEEDS)[:5000]]) for name in names if source.random() < 0.6
    }
    weight_map = {name: source.choice([*names, "../x", "", "config.json", 1, None]) for name in ("a", "b", "t0", "t1")}
    texts: dict[str, object] = {
        "model.safetensors.index.json": {
            "metadata": {"total_size": source.choice([1, -1, "x", None, 1e300])},
            "weight_map": weight_map,
        },
        "config.json": {
            "architectures": source.choice([["X"], "X", 1, None, {}]),
            "torch_dtype": source.choice(["float16", 1, [], None]),
        },
        "adapter_config.json": {
            "r": source.choice([8, "8", None, []]),
            "target_modules": source.choice([["q"], "q", None, [1], {}]),
            "base_model_name_or_path": source.choice(["a/b", 1, None]),
        },
        "model_index.json": {"unet": ["diffusers", "X"], "vae": source.choice([["a", "b"], [None, None], 1, [], "x"])},
    }
    for name, value in texts.items():
        if source.random() < 0.4:
            files[name] = damaged(json.dumps(value).encode(), source, source.choice([0, 0, 1]))
    if source.random() < 0.1:
        files |= {".metadata": source.choice(PICKLES), "__0_0.distcp": b""}
    return files or {"x.pt": b""}
