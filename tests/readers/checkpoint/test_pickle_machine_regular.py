"""Runs of tensors that are taken at once give exactly what following each opcode gives."""

import io
import pickle
import struct
import zipfile
from collections import OrderedDict

import pytest
import torch
from torch import nn

from modeldoctor.readers.checkpoint import pickle_machine, pickle_regular
from modeldoctor.readers.checkpoint.pickle_machine import run
from modeldoctor.readers.checkpoint.pickle_values import Dict, Name, Object, Set
from modeldoctor.storage import Memory


class Never:
    """In place of `Regular`: nothing is taken at once."""

    def __init__(self, machine):
        pass

    def forget(self):
        pass

    def follow(self):
        pass


def frozen(value):
    """The inert value as plain tuples, which compare."""
    kind = type(value)
    if kind is Name:
        return ("name", str(value), value.times, frozenset(value.uses))
    if kind is Object:
        parts = (value.cls, value.args, value.states, value.items, value.pairs, value.value)
        return ("object", value.how, *map(frozen, parts))
    if kind in {Dict, list}:
        return (kind.__name__, *map(frozen, value))
    if kind is Set:
        return ("set", frozen(value.items))
    return tuple(map(frozen, value)) if kind is tuple else value


@pytest.fixture
def both(monkeypatch):
    """Read a stream with and without the short way; the facts must be the same. Gives how many rows were taken."""

    def read(stream):
        taken = []
        build = pickle_regular.Regular._build
        monkeypatch.setattr(
            pickle_regular.Regular, "_build", lambda self, *parts: (taken.append(len(parts[1])), build(self, *parts))
        )
        quick = run(Memory(stream))
        monkeypatch.setattr(pickle_machine, "Regular", Never)
        slow = run(Memory(stream))
        monkeypatch.undo()
        assert quick.pickle == slow.pickle
        assert quick.storages == slow.storages
        assert quick.end == slow.end
        assert frozen(quick.value) == frozen(slow.value)
        assert quick.pickle.opcode_count > 0
        return sum(taken)

    return read


def data_pkl(value):
    stream = io.BytesIO()
    torch.save(value, stream)
    return zipfile.ZipFile(stream).read("archive/data.pkl")


def flat(count, **options):
    return {f"layer{i}.weight": torch.zeros(4, **options) for i in range(count)}


def mixed(count):
    """Every shape, dtype and flag that state_dicts have."""
    shapes = [(), (3,), (300, 2), (2, 3, 4), (2, 3, 4, 5), (0,), (70_000,)]
    dtypes = [torch.float32, torch.float16, torch.int64, torch.bool]
    return OrderedDict(
        (f"b{i}.{i % 5}", torch.zeros(shapes[i % 7], dtype=dtypes[i % 4]).requires_grad_(i % 4 < 2 and i % 3 == 0))
        for i in range(count)
    )


def test_a_long_state_dict_is_taken_at_once(both):
    assert both(data_pkl(flat(3000))) > 2800


def test_shapes_and_dtypes_may_vary(both):
    assert both(data_pkl(mixed(1500))) > 800


def test_batch_norms_and_convolutions(both):
    blocks = [nn.Sequential(nn.Conv2d(2, 2, 3), nn.BatchNorm2d(2)) for _ in range(60)]
    assert both(data_pkl(nn.Sequential(*blocks).state_dict())) > 200


def test_optimizers_and_tied_weights(both):
    model = nn.Sequential(*[nn.Linear(2, 2) for _ in range(80)])
    model[3].weight = model[0].weight
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    assert both(data_pkl({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "list": [model]})) > 0


def test_keys_of_any_characters(both):
    names = ["ü.weight", "a b", "x" * 300, "", "r\0\0\0\0h", "line\nfeed", "(((((", "q1q2"]
    value = {f"{names[i % len(names)]}{i}": torch.zeros(2) for i in range(400)}
    both(data_pkl(value))
    assert both(data_pkl(flat(100) | value | {f"y{i}": torch.zeros(1) for i in range(100)})) > 50


def test_small_models_have_no_runs(both):
    assert both(data_pkl(flat(20))) == 0


@pytest.mark.parametrize("protocol", [2, 4])
def test_streams_without_tensors(both, protocol):
    assert both(pickle.dumps([{"a": list(range(3000))}], protocol=protocol)) == 0


# --------------------------------------------------------------------------- what must not be overlooked


def rows(count, *, after=b""):
    """A hand-made state_dict with LONG_BINPUT from the start; `after` follows the last tensor."""
    out = [b"\x80\x02}", b"q\0("]
    memo = 1

    def put():
        nonlocal memo
        memo += 1
        return b"r" + struct.pack("<I", memo - 1)

    def text(value):
        return b"X" + struct.pack("<I", len(value)) + value

    # Fill the memo beyond the short ids.
    out.append(text(b"filler") + b"]" + b"".join(b"N" + put() + b"0" for _ in range(300)))
    names = {}
    for name, opcode in (
        ("rebuild", b"ctorch._utils\n_rebuild_tensor_v2\n"),
        ("storage", text(b"storage")),
        ("class", b"ctorch\nFloatStorage\n"),
        ("cpu", text(b"cpu")),
        ("hooks", b"ccollections\nOrderedDict\n"),
    ):
        out.append(opcode)
        names[name] = b"j" + struct.pack("<I", memo)
        out.append(put() + b"0")
    for i in range(count):
        key = b"%d" % (1000 + i)
        out += [text(b"w%d" % i), put(), names["rebuild"], b"((", names["storage"], names["class"], text(key), put()]
        out += [names["cpu"], b"K\4t", put(), b"QK\0K\4\x85", put(), b"K\1\x85", put(), b"\x89", names["hooks"], b")R"]
        out += [put(), b"t", put(), b"R", put()]
    return b"".join(out) + after + b"u."


def test_hand_made_rows_are_taken(both):
    assert both(rows(100)) > 80


def get(index):
    return b"j" + struct.pack("<I", index)


LAST = 1 + 300 + 5 + 8 * 60  # the next memo id after 60 rows


@pytest.mark.parametrize("back", range(1, 9))
def test_what_was_not_made_can_still_be_used(both, back):
    """Every memo entry of the last row, pushed again as a value."""
    stream = rows(60, after=b"X\5\0\0\0again" + get(LAST - back))
    both(stream)
    assert run(Memory(stream)).pickle.stopped is None


@pytest.mark.parametrize("place", [5, 40])
@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"K\4t", b"K\5t"),  # another number of elements
        (b"K\1\x85", b"K\1\x86"),  # an empty stack
        (b"QK\0", b"QN0K\0"),  # an opcode more
        (b"10%02d", b"x0%02d"),  # the key of a storage that is no number
        (b"\x89", b"\x88"),
        (b"K\4\x85", b"K\4K\4\x86"),  # sizes and strides of different lengths
        (b"\0\0\0w", b"\0\0\1w"),  # a length that is none
    ],
)
def test_one_row_that_differs(both, place, old, new):
    stream = rows(60)
    if b"%02d" in old:
        changed = stream.replace(old % place, new % place, 1)
    else:
        start = stream.index(b"w%d" % place) - 5
        changed = stream[:start] + stream[start:].replace(old, new, 1)
    assert changed != stream
    both(changed)


@pytest.mark.parametrize("offset", [0, 10, 25, 60])
def test_memo_entries_that_are_out_of_order(both, offset):
    """A put to an old, a far or the same entry in the middle of a run."""
    stream = rows(60)
    start = stream.index(b"w30") - 5
    for index in (0, 2, 305, LAST - 3, LAST + 1000, 1 << 31):
        put = b"Nr" + struct.pack("<I", index) + b"0"
        both(stream[:start] + put + stream[start:])
        at = stream.index(b"r", start + offset)
        both(stream[: at + 1] + struct.pack("<I", index) + stream[at + 5 :])


def test_a_storage_that_comes_twice(both):
    stream = rows(60)
    both(stream.replace(b"1031", b"1030", 1))


def test_every_cut_of_a_run(both):
    stream = rows(24)
    for size in range(len(stream) - 900, len(stream), 7):
        both(stream[:size])


def test_a_class_that_changes_in_the_memo(both):
    """The entry of the storage class is overwritten between two runs."""
    first = rows(40).removesuffix(b"u.")
    cls = 1 + 300 + 2
    swap = b"ctorch\nHalfStorage\nr" + struct.pack("<I", cls) + b"0"
    start = first.index(b"w30") - 5
    both(first[:start] + swap + first[start:] + b"u.")
