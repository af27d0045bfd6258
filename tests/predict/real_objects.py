"""Objects of all kinds that people save, as Hypothesis strategies: allowed by the restricted loader and not."""

import argparse
import array
import collections
import dataclasses
import datetime as dt
import decimal
import enum
import fractions
import functools
import ipaddress
import operator
import pathlib
import random
import re
import types
import uuid
import warnings
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import torch
from hypothesis import strategies as st
from torch import nn


class Colour(enum.Enum):
    RED = 1
    BLUE = "b"


class Level(enum.IntEnum):
    LOW = 1


class Point(NamedTuple):
    x: int
    y: object


@dataclasses.dataclass
class Config:
    width: int = 3
    tags: list[str] = dataclasses.field(default_factory=list)


@dataclasses.dataclass(frozen=True, slots=True)
class Frozen:
    width: int = 3


class Plain:
    def __init__(self, value: object = None) -> None:
        self.value = value


class Slotted:
    __slots__ = ("a", "b")

    def __init__(self) -> None:
        self.a = 1


class WithState:
    def __getstate__(self) -> tuple[int, str]:
        return 1, "x"

    def __setstate__(self, state: object) -> None:
        self.state = state


class WithArguments(str):
    __slots__ = ("note",)

    def __getnewargs__(self) -> tuple[str]:
        return (str(self),)


class WithKeywords(dict[str, int]):
    def __getnewargs_ex__(self) -> tuple[tuple[()], dict[str, int]]:
        return (), {"value": 1}


class Named(collections.OrderedDict[str, object]):
    pass


class Listed(list[object]):
    pass


class Mapped(dict[str, object]):
    pass


class Reduced:
    def __reduce__(self) -> tuple[Any, ...]:
        return operator.add, (1, 2)


class Rebuilt:
    def __reduce__(self) -> tuple[Any, ...]:
        return collections.OrderedDict, (), {"note": 1}, None, iter([("a", 1)])


class Filled(collections.UserList[object]):
    def __reduce__(self) -> tuple[Any, ...]:
        return Filled, (), None, iter([1]), None  # pickle appends to what is no list


class Subclass(torch.Tensor):
    pass


class Tiny(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.fc = nn.Linear(2, 2)
        self.register_buffer("steps", torch.zeros(1))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.fc(x)


def helper(x: int) -> int:
    return x


# --------------------------------------------------------------------------- tensors

_PLAIN = [
    torch.float32,
    torch.float64,
    torch.float16,
    torch.bfloat16,
    torch.int8,
    torch.int16,
    torch.int32,
    torch.int64,
]
_PLAIN += [torch.uint8, torch.bool, torch.complex64, torch.complex128]
_LATE = [torch.uint16, torch.uint32, torch.uint64, torch.complex32, torch.float8_e4m3fn, torch.float8_e5m2]
_LATE += [torch.float8_e4m3fnuz, torch.float8_e5m2fnuz, torch.float8_e8m0fnu]


def made(make: Callable[[], Any]) -> Any:
    """The object, without the warnings about kinds of tensors that are not final."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return make()


def _noted(tensor: torch.Tensor) -> torch.Tensor:
    tensor.note = {"by": "x"}  # type: ignore[attr-defined]
    return tensor


def _hooked() -> nn.Module:
    module = nn.Linear(2, 2)
    module.register_forward_hook(print)
    return module


def _stepped() -> torch.optim.Optimizer:
    module = nn.Linear(2, 2)
    optimizer = torch.optim.Adam(module.parameters())
    module(torch.ones(1, 2)).sum().backward()
    optimizer.step()
    return optimizer


TENSORS: list[Callable[[], Any]] = [
    *[lambda d=dtype: torch.zeros(3).to(d) for dtype in _PLAIN + _LATE],
    lambda: torch.zeros(4, dtype=torch.uint8).view(torch.float4_e2m1fn_x2),
    lambda: torch.zeros(0),
    lambda: torch.tensor(1.5),
    lambda: torch.arange(12.0).reshape(3, 4).t(),
    lambda: torch.arange(100.0)[3:9:2],
    lambda: torch.zeros(2, requires_grad=True),
    lambda: torch.zeros(2, device="meta"),
    lambda: nn.Parameter(torch.zeros(2)),
    lambda: nn.Parameter(torch.zeros(2), requires_grad=False),
    lambda: _noted(nn.Parameter(torch.zeros(2))),
    lambda: _noted(torch.zeros(2)),
    lambda: nn.Buffer(torch.zeros(2)),
    lambda: torch.zeros(2).as_subclass(Subclass),
    lambda: torch.eye(3).to_sparse(),
    lambda: torch.eye(3).to_sparse_csr(),
    lambda: torch.eye(3).to_sparse_csc(),
    lambda: torch.eye(4).to_sparse_bsr((2, 2)),
    lambda: torch.tensor([1 + 2j]).conj(),
    lambda: torch.tensor([1 + 2j]).conj().imag,
    lambda: torch.quantize_per_tensor(torch.zeros(2), 0.1, 0, torch.quint8),
    lambda: torch.quantize_per_channel(torch.zeros(2, 2), torch.ones(2), torch.zeros(2), 0, torch.qint8),
    lambda: torch.nested.nested_tensor([torch.zeros(2), torch.zeros(3)]),
    lambda: torch.zeros(3).untyped_storage(),
    lambda: torch.zeros(3).storage(),
]
TORCH: list[Callable[[], Any]] = [
    lambda: torch.Size([1, 2]),
    lambda: torch.device("cpu"),
    lambda: torch.device("cuda", 1),
    *[lambda d=dtype: d for dtype in [*_PLAIN, *_LATE, torch.qint8, torch.quint4x2, torch.int4]],
    lambda: torch.strided,
    lambda: torch.sparse_coo,
    lambda: torch.channels_last,
    lambda: torch.per_tensor_affine,
    lambda: torch.relu,
    lambda: nn.functional.relu,
    lambda: nn.Linear,
    lambda: torch.Tensor,
    lambda: nn.Linear(2, 2),
    lambda: nn.Sequential(nn.Linear(2, 2), nn.ReLU(), nn.BatchNorm1d(2)),
    lambda: nn.Sequential(nn.Linear(2, 2), nn.BatchNorm1d(2)).state_dict(),
    lambda: nn.LSTM(2, 2),
    _hooked,
    Tiny,
    lambda: nn.ParameterList([nn.Parameter(torch.zeros(1))]),
    lambda: nn.LazyLinear(2),
    lambda: _stepped().state_dict(),
    _stepped,
    lambda: torch.optim.lr_scheduler.MultiStepLR(_stepped(), [1]).state_dict(),
    lambda: torch.get_rng_state()[:8] * 1,
    lambda: torch.amp.GradScaler("cpu").state_dict(),
]
NUMPY: list[Callable[[], Any]] = [
    *[
        lambda t=kind: t(1)
        for kind in (np.float64, np.float32, np.int64, np.uint8, np.bool_, np.complex128, np.float16)
    ],
    lambda: np.str_("a"),
    lambda: np.bytes_(b"a"),
    lambda: np.datetime64("2020-01-01"),
    lambda: np.arange(3.0),
    lambda: np.zeros((2, 0)),
    lambda: np.array(["a", "bc"]),
    lambda: np.array([{}, None], dtype=object),
    lambda: np.zeros(2, dtype=[("a", "f4"), ("b", "i8")]),
    lambda: np.asfortranarray(np.ones((2, 3))),
    lambda: np.ma.array([1, 2], mask=[True, False]),
    lambda: np.dtype("float32"),
    lambda: np.float32,
    lambda: np.random.default_rng(0),
    lambda: np.random.RandomState(0),
    lambda: np.random.RandomState(0).get_state(),
    lambda: np.random.SeedSequence(1),
]
PYTHON: list[Callable[[], Any]] = [
    lambda: collections.OrderedDict(a=1),
    lambda: collections.Counter("aab"),
    lambda: collections.defaultdict(list, a=[1]),
    lambda: collections.deque([1, 2], maxlen=3),
    lambda: collections.ChainMap({"a": 1}),
    lambda: collections.UserDict(a=1),
    lambda: Named(a=1),
    lambda: Listed([1]),
    lambda: Mapped(a=1),
    lambda: {1, 2},
    set,
    lambda: frozenset([3]),
    lambda: b"abc",
    lambda: bytes(range(256)),
    lambda: b"x" * 300,
    lambda: bytearray(b"abc"),
    lambda: array.array("d", [1.0]),
    lambda: range(3),
    lambda: slice(1, 2),
    lambda: Ellipsis,
    lambda: NotImplemented,
    lambda: int,
    lambda: dict,
    lambda: len,
    lambda: print,
    lambda: helper,
    lambda: Plain,
    lambda: collections.OrderedDict,
    Plain,
    lambda: Plain(torch.zeros(1)),
    Slotted,
    WithState,
    WithArguments,
    WithKeywords,
    Reduced,
    Rebuilt,
    Filled,
    lambda: Colour.BLUE,
    lambda: Level.LOW,
    lambda: Point(1, [2]),
    Config,
    Frozen,
    lambda: functools.partial(print, 1),
    lambda: operator.itemgetter(1),
    lambda: dt.datetime(2020, 1, 2),  # noqa: DTZ001 - naive ones are pickled too
    lambda: dt.datetime(2020, 1, 2, tzinfo=dt.UTC),
    lambda: dt.date(2020, 1, 2),
    lambda: dt.timedelta(1),
    lambda: decimal.Decimal("1.5"),
    lambda: fractions.Fraction(1, 3),
    lambda: uuid.UUID(int=7),
    lambda: pathlib.PurePosixPath("a/b"),
    lambda: pathlib.Path("a"),
    lambda: argparse.Namespace(lr=0.1),
    lambda: types.SimpleNamespace(a=1),
    lambda: re.compile("a+"),
    lambda: ipaddress.ip_address("127.0.0.1"),
    lambda: ValueError("x"),
    lambda: random.Random(0),
    lambda: random.Random(0).getstate()[:2],
    lambda: type("x", (), {}).__mro__[1],
]


def leaves() -> st.SearchStrategy[Any]:
    """One value."""
    plain = st.one_of(
        st.none(),
        st.booleans(),
        st.integers(),
        st.sampled_from([8, 31, 70, 2100]).map(lambda bits: -(2**bits)),
        st.floats(),
        st.complex_numbers(),
        st.text(max_size=5),
        st.sampled_from(["é", "\ud800", "x" * 300, ""]),
        st.sampled_from([(), (1,), (1, 2, 3, 4), [], {}]),
    )
    special = [st.sampled_from(range(len(group))).map(_maker(group)) for group in (TENSORS, TORCH, NUMPY, PYTHON)]
    return st.one_of(plain, special[0], *special, plain)


def _maker(group: list[Callable[[], Any]]) -> Callable[[int], Any]:
    return lambda place: made(group[place])


def objects() -> st.SearchStrategy[Any]:
    """Values in dicts, lists and tuples, some of them twice."""
    keys = st.one_of(st.text(max_size=4), st.integers(0, 300), st.sampled_from([(1, "a"), None, 1.5]))

    def within(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
        return st.one_of(
            st.dictionaries(keys, inner, max_size=4),
            st.lists(inner, max_size=4),
            st.lists(inner, min_size=1, max_size=3).map(tuple),
            inner.map(lambda value: {"a": value, "b": [value, value]}),
            st.dictionaries(st.text(max_size=3), inner, max_size=3).map(collections.OrderedDict),
        )

    return st.recursive(leaves(), within, max_leaves=6)
