"""Will it fit? The memory that a model needs on each GPU and on the host, as sums of terms with their sources."""

from typing import Any, NamedTuple

from modeldoctor.errors import UsageError
from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.facts.memory import Graph, Memory, Serving, Trace
from modeldoctor.predict.memory.answers import alternatives, catalogue, notes, reach, startup
from modeldoctor.predict.memory.architecture import Architecture, ConfigError, from_config, from_tensors
from modeldoctor.predict.memory.attention import bytes_per_token
from modeldoctor.predict.memory.loading import style_of
from modeldoctor.predict.memory.needs import Model, compute_dtype, device_needs, host_need, served_dtype
from modeldoctor.predict.memory.parameters import sizes_from_config
from modeldoctor.predict.memory.sizes import Piece, Sizes, bytes_as, sizes_of

# Nothing larger is served; a limit against numbers that only cost time.
MOST_BATCH = 1_000_000
MOST_TOKENS = 100_000_000


class Given(NamedTuple):
    """What is known of the activations beside the checkpoint."""

    graph: Graph | None = None
    trace: Trace | None = None


def estimate(checkpoint: Checkpoint, serving: Serving, given: Given | None = None) -> Memory:
    """What the model needs, served so. UsageError for a configuration or options that make no sense."""
    given = given or Given()
    _require_sense(serving)
    shape = _shape(checkpoint)
    sizes, problems = _sizes(checkpoint, shape, given)
    load = serving.load or style_of(checkpoint)
    if serving.copies > 1 and load.at_once == 1:
        load = load._replace(at_once=serving.copies)
    model = Model(sizes, shape, given.graph, given.trace, load, serving.load is None)
    devices = device_needs(model, serving)
    host, steady = host_need(model, serving)
    choices, smallest = catalogue(model, serving)
    dtype = served_dtype(model, serving)
    return Memory(
        path=checkpoint.path,
        dtype=dtype,
        storage_bytes=sizes.storage_bytes,
        weights_bytes=bytes_as(sizes, serving.dtype, storages=load.module == "none" or load.assign),
        optimizer_bytes=sizes.optimizer_bytes,
        parameters=sizes.parameters,
        serving=serving,
        load=load,
        load_assumed=serving.load is None,
        load_bytes=sizes.file_bytes,
        devices=devices,
        host=host,
        steady=steady,
        activations=_way(model),
        alternatives=alternatives(model, serving),
        startup=startup(model, serving),
        reach=reach(model, serving),
        catalogue=choices,
        smallest=smallest,
        notes=notes(model, serving),
        problems=problems,
        kv_bytes_per_token=bytes_per_token(shape, serving.kv_dtype or compute_dtype(model, serving))
        if shape and shape.kv_heads
        else None,
        architecture=_plain(shape),
    )


def _require_sense(serving: Serving) -> None:
    """UsageError for numbers that nobody serves with."""
    for name, value, most in (
        ("--batch", serving.batch, MOST_BATCH),
        ("--context", serving.context, MOST_TOKENS),
        ("--prompt", serving.prompt, serving.context or MOST_TOKENS),
        ("--workers", serving.processes, 10_000),
        ("--threads", serving.threads, 10_000),
        ("--copies", serving.copies, 1_000),
    ):
        if value is not None and not 1 <= value <= most:
            raise UsageError(f"{name} must be between 1 and {most:,}, not {min(value, 1 << 80):,}")


def _shape(checkpoint: Checkpoint) -> Architecture | None:
    """The architecture, by the configuration or else by the names of the parameters."""
    if checkpoint.config is not None and checkpoint.format != "diffusers" and checkpoint.adapter is None:
        try:
            found = from_config(checkpoint.config)
        except ConfigError as error:
            raise UsageError(f"{checkpoint.path}: config.json makes no sense: {error}") from error
        if found is not None:
            return found
    return from_tensors(checkpoint.tensors)


def _sizes(checkpoint: Checkpoint, shape: Architecture | None, given: Given) -> tuple[Sizes, tuple[str, ...]]:
    """The sizes, read or else derived, and what is wrong with the files. UsageError when they can't be known."""
    missing = checkpoint.shards.missing if checkpoint.shards else ()
    listed = checkpoint.shards.total_size_bytes if checkpoint.shards else None
    if checkpoint.tensors and not missing:
        return sizes_of(checkpoint), ()
    problems: tuple[str, ...] = ()
    if missing and checkpoint.shards:
        whole = len(checkpoint.shards.files)
        problems = (f"{len(missing):,} of {whole:,} shards are not here: the sizes are those that the index tells",)
    if shape is not None and checkpoint.config is not None:
        return sizes_from_config(checkpoint.config, shape, listed), problems
    if listed:
        piece = Piece("bfloat16", listed // 2, listed, matrix=True)
        blank = Sizes((piece,), listed, listed, 0, 0, 0, listed // 2, "bfloat16", source="`total_size` of the index")
        return blank._replace(file_bytes=listed), (*problems, "no config.json is here: the dtype is taken for 16 bits")
    if given.trace and given.trace.weights_bytes:
        return _traced(given.trace), ()
    reason = checkpoint.problems[0].text if checkpoint.problems else checkpoint.anatomy.reason or checkpoint.title
    raise UsageError(f"{checkpoint.path}: the size of the model is not known: {reason}")


def _traced(trace: Trace) -> Sizes:
    """The sizes of a module that was traced without its file."""
    from modeldoctor.facts.dtypes import ITEM_BYTES

    pieces = tuple(
        Piece(dtype, size // ITEM_BYTES.get(dtype, 1), size, matrix=True) for dtype, size in trace.weights_by_dtype
    )
    whole = trace.weights_bytes
    dtype = max(trace.weights_by_dtype, key=lambda each: each[1])[0] if trace.weights_by_dtype else "float32"
    return Sizes(pieces, whole, whole, 0, 0, 0, sum(piece.numel for piece in pieces), dtype,
                 source=f"trace of {trace.target}", file_bytes=whole)  # fmt: skip


def _way(model: Model) -> str:
    """Which way the activations are known by."""
    if model.trace is not None:
        return "trace"
    if model.graph is not None:
        return "graph"
    return "formula" if model.shape is not None else "unknown"


def _plain(shape: Architecture | None) -> dict[str, Any] | None:
    return None if shape is None else shape._asdict()
