"""What rules may know about a model file. Frozen, inert, free of the bytes it was read from.

Numerous things are NamedTuples: defining a frozen dataclass costs a millisecond of start-up and creating one
seven times as much as a NamedTuple.
"""

from typing import Any, Literal, NamedTuple

# --------------------------------------------------------------------------- pickle streams


class Event(NamedTuple):
    """The first time a pickle stream does one distinct thing, in stream order.

    A loader that refuses a stream does so at the first offending opcode, so first occurrences are enough to
    predict its error. `position` is the byte offset of the opcode inside the stream.

    kind / name / detail:
      `opcode`  / opcode name of pickletools (`STACK_GLOBAL`) / operand where it matters (PROTO: the number)
      `global`  / `module qualname`, one space between / the opcode that named it (GLOBAL, STACK_GLOBAL, INST, EXT1…)
      `call`    / callee `module qualname` (or `?` for a computed callee) / number of arguments
      `new`     / class `module qualname` (NEWOBJ, NEWOBJ_EX, OBJ, INST) / number of arguments
      `build`   / class whose instance gets state, `module qualname`, or a builtin type (`dict`) / type of the state
      `fill`    / class, no builtin container, whose instance gets items (APPEND(S), SETITEM(S), ADDITEMS) / opcode
      `persistent` / shape of the persistent id: `storage`, `text`, `integer`, `other` / the text, or the first element
                    of a tuple when that is text (`other` with `storage`: a storage whose tuple no torch can read)
      `argument` / callee / what of its arguments decides whether it takes them: `torch.serialization _get_layout` the
                 layout; `torch._utils _rebuild_sparse_tensor` the layout and the length of its data (`sparse_coo 4`);
                 `torch._tensor _rebuild_from_type_v2` the type of the state (`NoneType`); `numpy dtype` the code (`f8`)
      `stop`   / opcode where a damaged stream ends (`0x37` when it is none, empty behind the last one) / why: `end`
                 (no further byte), `cut` (within the opcode), `cut data` (its length is there, its data is not),
                 `opcode` (there is no such), `memo`, `stack`, `value` (text or number that is none), `limit`, `other`
    """

    kind: str
    name: str
    position: int
    detail: str | int | None = None


class Global(NamedTuple):
    """A module attribute that the pickle names. Resolving it imports `module` when the file is loaded for real.

    `uses` ⊆ {`named`, `called`, `instantiated`, `built`}: only named; called by REDUCE; NEWOBJ/INST/OBJ; given state.
    `paths` are up to three places in the object where results of it stand (`model.layer1.0`).
    """

    module: str
    name: str
    uses: frozenset[str]
    position: int
    times: int = 1
    paths: tuple[str, ...] = ()

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Call(NamedTuple):
    """A REDUCE (or INST/OBJ) of something that only code execution explains, with its arguments as short text."""

    target: str
    arguments: str
    position: int
    path: str = ""


class Instance(NamedTuple):
    """All instances of one pickled class that have the same attribute names in their state."""

    module: str
    name: str
    attributes: frozenset[str]
    times: int
    path: str

    def __str__(self) -> str:
        return f"{self.module}.{self.name}"


class Pickle(NamedTuple):
    """One pickle stream. `offset` is its place in `member` (or in the file when `member` is None).

    `stopped` says where and why the reading ended before STOP; None for a whole stream.
    `nested` are pickles found as bytes values inside this one. `role` is `object` for the one that holds the model,
    else `magic`, `protocol`, `sys_info`, `keys`, `constants`, `extra`, `second` (one after the first STOP),
    `misread` (what `pickle.load` makes of the arrays of joblib, where that is something else).
    `calls` are a bounded number of different ones; `calls_left_out` counts what came after.
    """

    member: str | None
    offset: int
    size_bytes: int
    protocol: int
    opcode_count: int
    events: tuple[Event, ...]
    globals: tuple[Global, ...]
    calls: tuple[Call, ...]
    instances: tuple[Instance, ...]
    stopped: "Problem | None" = None
    role: str = "object"
    nested: "tuple[Pickle, ...]" = ()
    calls_left_out: int = 0


# --------------------------------------------------------------------------- tensors


class Storage(NamedTuple):
    """A block of memory that tensors view.

    `size_bytes` is what the pickle says is needed, `stored_bytes` what the file holds for it (None: unknown).
    `record` is the member with its bytes; `position` the byte offset of its first mention in the pickle stream.
    `class_name` is the pickled storage class (`torch.FloatStorage`); `dtype` is "uint8" for an untyped one.
    `record_offset` is the absolute offset of the bytes in the file when they are stored uncompressed.
    """

    key: str
    class_name: str
    dtype: str
    numel: int
    size_bytes: int
    device: str
    record: str | None = None
    stored_bytes: int | None = None
    position: int = 0
    record_offset: int | None = None


class Tensor(NamedTuple):
    """One place in the object where a tensor stands. Tied tensors are several `Tensor`s with one `storage`.

    `path` joins keys, indices and attributes with dots. `shape`, `strides` and `offset` count elements.
    `storage` indexes `Checkpoint.storages`; None for sparse, meta and wrapper tensors. `kind` is `parameter`, `buffer`
    (only known inside modules) or `tensor`. `layout` is `strided`, `sparse_coo`, `sparse_csr`…, `quantized`, `meta`.
    """

    path: str
    dtype: str
    shape: tuple[int, ...]
    strides: tuple[int, ...]
    storage: int | None
    offset: int
    device: str
    requires_grad: bool = False
    kind: str = "tensor"
    layout: str = "strided"

    @property
    def numel(self) -> int:
        """Number of elements."""
        count = 1
        for size in self.shape:
            count *= size
        return count


class Part(NamedTuple):
    """A top-level entry. `kind`: weights, ema, optimizer, scheduler, scaler, rng, config, metadata, other."""

    name: str
    kind: str
    tensors: int
    size_bytes: int


class Prefix(NamedTuple):
    """A wrapper's prefix (`module.`, `_orig_mod.`, `model.`…) and how many of the weight keys carry it."""

    prefix: str
    keys: int
    of: int


class Anatomy(NamedTuple):
    """What the object is. Bytes of storages are counted once, however many tensors view them.

    `contents`: `state_dict` | `module` | `training` | `tensor` | `tensors` (list or dict of) | `scripted` |
    `exported` | `hyperparameters` | `unknown`; `reason` says why it is unknown.
    `weights_key` is the path to the state_dict or module inside a training checkpoint (`state_dict`, `net.ema`).
    `framework`: `lightning`, `ultralytics`, `fastai`, `transformers`, `timm`, `peft`…, why in `framework_evidence`.
    """

    contents: str
    root_class: str | None = None
    weights_key: str | None = None
    parts: tuple[Part, ...] = ()
    parameters: int = 0
    buffers: int = 0
    tensor_bytes: int = 0
    storage_bytes: int = 0
    bytes_by_dtype: tuple[tuple[str, int], ...] = ()
    tensors_by_dtype: tuple[tuple[str, int], ...] = ()
    optimizer_bytes: int = 0
    weights_bytes: int = 0
    prefixes: tuple[Prefix, ...] = ()
    devices: tuple[tuple[str, int], ...] = ()
    framework: str | None = None
    framework_evidence: str | None = None
    epoch: int | None = None
    reason: str | None = None


# --------------------------------------------------------------------------- containers


class Record(NamedTuple):
    """A member of an archive. `size_bytes` is unpacked, `packed_bytes` as stored, `data_offset` absolute."""

    name: str
    size_bytes: int
    packed_bytes: int
    data_offset: int | None
    compressed: bool


class Container(NamedTuple):
    """The zip or tar around the pickle. Texts are the contents of the small records, None when absent.

    `records` are the members that hold no storage (the first 10,000); storages name theirs themselves.
    """

    kind: Literal["zip", "tar", "legacy"]
    root: str | None
    record_count: int
    version: str | None = None
    byteorder: str | None = None
    format_version: str | None = None
    storage_alignment: str | None = None
    serialization_id: str | None = None
    compressed: bool = False
    zip64: bool = False
    records: tuple[Record, ...] = ()
    roots: tuple[str, ...] = ()
    prepended_bytes: int = 0
    appended_bytes: int = 0


class Problem(NamedTuple):
    """Something wrong with the bytes, seen by a reader. Rules decide what it means. `text` is a plain sentence part.

    kinds: `truncated` `damaged` `limit` `unreadable` `missing-record` `short-record` `long-record` `bad-crc`
    `duplicate-member` `header-mismatch` `encrypted-member` `bad-version` `bad-byteorder` `several-roots` `no-root`
    `no-data-pkl` `prepended-data` `appended-data` `second-pickle` `pickle-damaged` `unsafe-name` `nested-limit`
    `safetensors-header` `safetensors-overlap` `safetensors-range` `safetensors-hole` `safetensors-shape`
    `shard-missing` `shard-unlisted` `shard-mismatch` `index-damaged` `tensor-outside-storage`
    """

    kind: str
    text: str
    member: str | None = None
    byte: int | None = None
    times: int = 1


class Evidence(NamedTuple):
    """What dates the writer. `what`: torch, python, numpy, lightning…; `low` and `high` are inclusive releases."""

    what: str
    low: str | None
    high: str | None
    evidence: str


class Shards(NamedTuple):
    """A sharded set. `files` maps each shard's file name to the number of tensors the index puts there."""

    index_file: str
    files: tuple[tuple[str, int], ...]
    missing: tuple[str, ...]
    total_size_bytes: int | None


class Adapter(NamedTuple):
    """A PEFT adapter folder."""

    kind: str
    base_model: str | None
    rank: int | None
    targets: tuple[str, ...]


class Checkpoint(NamedTuple):
    """A model file, or what stands where one should.

    `state`: `understood` (a PyTorch format that was read), `recognised` (another format: named, not checked),
    `not understood` (unknown bytes), `unreadable` (damaged beyond reading).
    `format`: torch-zip, torch-legacy, torch-tar, torchscript, torch-export, torch-package, executorch, safetensors,
    sharded, model-folder, diffusers, adapter, pickle, joblib; recognised: distributed, deepspeed, onnx, gguf, hdf5,
    tensorflow, numpy, lfs-pointer, html, xml, json-error, json, text, empty, gzip, 7z, image, encrypted-zip, zip,
    tar…; `unknown`.
    `title` names it for a person ("torch.save zip"); `advice` says what to do with a recognised one.
    `extras` are format-specific facts (TorchScript: code files; export: schema version; safetensors: metadata).
    `config` is the parsed `config.json` of a model folder. `children` are shards and files found inside archives.
    """

    path: str
    format: str
    title: str
    state: str
    size_bytes: int
    member: str | None = None
    advice: str | None = None
    container: Container | None = None
    pickles: tuple[Pickle, ...] = ()
    storages: tuple[Storage, ...] = ()
    tensors: tuple[Tensor, ...] = ()
    anatomy: Anatomy = Anatomy("unknown")
    writer: tuple[Evidence, ...] = ()
    problems: tuple[Problem, ...] = ()
    shards: Shards | None = None
    adapter: Adapter | None = None
    extras: tuple[tuple[str, Any], ...] = ()
    config: dict[str, Any] | None = None
    children: "tuple[Checkpoint, ...]" = ()
    sha256: str | None = None
    bytes_read: int = 0
    # The torch shape of the plain data at the root, for `inspect`: nested (key, short text) pairs, bounded.
    outline: tuple[Any, ...] = ()
    # The first bytes (at most 512): what a loader takes for a pickle when the file is none.
    head: bytes = b""

    def extra(self, name: str) -> Any:
        """The format-specific fact of that name, or None."""
        return next((value for key, value in self.extras if key == name), None)

    @property
    def main_pickle(self) -> Pickle | None:
        """The pickle that holds the object, or None."""
        return next((pickle for pickle in self.pickles if pickle.role == "object"), None)
