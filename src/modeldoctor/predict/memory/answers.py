"""What follows from the estimate: the largest batch, other dtypes, GPUs to choose from, seconds until it answers."""

from collections.abc import Callable

from modeldoctor.facts.memory import Alternative, Card, Need, Reach, Serving, Startup
from modeldoctor.predict.memory.attention import cache_bytes
from modeldoctor.predict.memory.devices import common
from modeldoctor.predict.memory.loading import STYLES, peaks
from modeldoctor.predict.memory.needs import (
    Model,
    amounts,
    compute_dtype,
    device_needs,
    served_dtype,
)
from modeldoctor.predict.memory.sizes import bytes_as
from modeldoctor.tables import table
from modeldoctor.wording import memory

MB = 1_000_000
# Lengths for which the concurrency is told, beside the one that was given.
_LENGTHS = (2048, 8192, 32768, 131072)
_MOST = 1 << 20
# Below this a longer start is noise of the machine, not of the model.
_WORTH_BYTES = 100 * MB
# Below this another dtype saves nothing that anybody has too little of.
_WORTH_SAVING = 10 * MB


def catalogue(model: Model, serving: Serving) -> tuple[tuple[Need, ...], str | None]:
    """The verdicts of common GPUs when the user named none, and the smallest that fits."""
    if serving.gpus is not None:
        return (), None
    found = tuple(_alone(model, serving, card) for card in common())
    return found, next((need.name for need in found if need.verdict == "fits"), None)


def _alone(model: Model, serving: Serving, card: Card) -> Need:
    """All processes on one such GPU."""
    return device_needs(model, serving._replace(gpus=(card,), placement="first"))[0]


def alternatives(model: Model, serving: Serving) -> tuple[Alternative, ...]:
    """The weights in smaller dtypes, with the verdict that the first GPU would then have."""
    now = bytes_as(model.sizes, serving.dtype, storages=False)
    found: list[Alternative] = []
    if now < _WORTH_SAVING:
        return ()
    for dtype in ("bfloat16", "int8", "int4"):
        size = bytes_as(model.sizes, dtype, storages=False)
        if size >= now * 95 // 100:
            continue
        verdict = ""
        if serving.gpus:
            verdict = device_needs(model, serving._replace(dtype=dtype))[0].verdict
        found.append(Alternative(dtype, size, now - size, verdict))
    return tuple(found)


# --------------------------------------------------------------------------- batch and sequence


def reach(model: Model, serving: Serving) -> Reach:
    """The largest batch and sequence that fit the fullest GPU by the likely figures."""
    found = [need for need in device_needs(model, serving) if need.processes and need.budget_bytes is not None]
    if not found:
        return Reach()
    return Reach(
        batch=_largest(lambda batch: _fits(model, serving._replace(batch=batch))),
        context=_largest(lambda tokens: _fits(model, serving._replace(context=tokens, prompt=None)))
        if _grows(model)
        else None,
        concurrency=_concurrency(model, serving),
    )


def _grows(model: Model) -> bool:
    return model.shape is not None and model.shape.fixed_tokens is None and model.trace is None and model.graph is None


def _fits(model: Model, serving: Serving) -> bool | None:
    """Whether the likely figures fit on every GPU; None when they aren't known."""
    for need in device_needs(model, serving):
        if need.processes and need.budget_bytes is not None:
            if need.total.likely is None:
                return None
            if need.total.likely > need.budget_bytes:
                return False
    return True


def _largest(fits: Callable[[int], bool | None]) -> int | None:
    """The largest number that fits, 0 when not even 1 does; None when that is not known."""
    first = fits(1)
    if not first:
        return None if first is None else 0
    low, high = 1, 2
    while high <= _MOST and fits(high):
        low, high = high, high * 2
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if fits(middle) else (low, middle)
    return low


def _concurrency(model: Model, serving: Serving) -> tuple[tuple[int, int], ...]:
    """How many sequences of a length have room for their cache, while one of them is read in."""
    shape = model.shape
    if shape is None or shape.kind == "encoder" or not shape.kv_heads:
        return ()
    most = shape.most_tokens or _LENGTHS[-1]
    lengths = sorted(
        {*(length for length in _LENGTHS if length <= most), *([serving.context] if serving.context else [])}
    )
    dtype = serving.kv_dtype or compute_dtype(model, serving)
    rows = []
    for tokens in lengths:
        one = serving._replace(batch=1, context=tokens, prompt=None)
        rooms = []
        for need in device_needs(model, one):
            if not need.processes or need.budget_bytes is None or need.total.likely is None:
                continue
            cache = max(1, cache_bytes(shape, tokens, dtype)[1])
            parts = min(len(serving.gpus or ()) or 1, max(shape.kv_heads)) if serving.placement == "split" else 1
            spare = (need.budget_bytes - need.total.likely) // need.processes
            rooms.append(max(0, spare * parts // cache + 1) if spare >= 0 else 0)
        if rooms:
            rows.append((tokens, min(_MOST, *rooms)))
    return tuple(rows)


# --------------------------------------------------------------------------- start-up


def startup(model: Model, serving: Serving) -> tuple[Startup, ...]:
    """Seconds until every process has its model, by the disk that the file lies on.

    Processes that start together read the file once where the page cache holds it, each for itself where it doesn't.
    """
    data = table("memory")
    fast, usual, slow = data["import_torch_s"]
    size = model.sizes.file_bytes or model.sizes.storage_bytes
    copied = model.load.file != "mapped"
    through = size / (data["loader_mb_s"] * MB) if copied else 0.0
    building = model.sizes.parameters / data["init_parameters_s"] if model.load.module == "fresh" else 0.0
    rows = []
    for disk, rate in data["disks"].items():
        once = size / (rate * MB)
        likely = max(once, through) + building + usual
        high = max(once * serving.processes, through * 2) + 2 * building + slow
        exceeds = tuple(f"{name} ({seconds:g} s)" for name, seconds in timeouts(serving) if likely > seconds)
        rows.append(Startup(disk, max(once, through) + fast, likely, high, exceeds))
    return tuple(rows)


def timeouts(serving: Serving) -> list[tuple[str, float]]:
    """What ends a process that takes too long to start: what is known, else the defaults of the usual servers."""
    if serving.timeout_seconds is not None:
        return [(serving.timeout_what or "--timeout", serving.timeout_seconds)]
    data = table("memory")["timeouts_s"]
    return [
        ("gunicorn's timeout", data["gunicorn_worker"]),
        ("Kubernetes' liveness probe", data["kubernetes_liveness"]),
    ]


# --------------------------------------------------------------------------- notes


def notes(model: Model, serving: Serving) -> tuple[str, ...]:
    """What the figures rest on and would change them most."""
    sizes = model.sizes
    found = []
    if serving.dtype is None and sizes.dtype in {"float16", "bfloat16"} and model.load.module == "fresh":
        wide = bytes_as(sizes, "float32", storages=False)
        found.append(
            f"the file is {sizes.dtype}: a module that is built in float32 makes it {memory(wide)} (`--dtype float32`)"
        )
    if model.assumed and sizes.storage_bytes >= _WORTH_BYTES and serving.gpus != () and model.load.module == "fresh":
        direct = peaks(STYLES["gpu"], amounts(model, serving), gpu=True)
        found.append(
            f"with `map_location='cuda'` into a module on the GPU, loading takes {memory(direct.device)} there "
            "(`--load gpu`)"
        )
    if sizes.ema_bytes and sizes.ema_bytes < sizes.storage_bytes:
        found.append(f"the file also has an EMA copy of {memory(sizes.ema_bytes)}, which is not served")
    if model.shape and serving.context and model.shape.most_tokens and serving.context > model.shape.most_tokens:
        found.append(f"the model was made for {model.shape.most_tokens:,} tokens, not {serving.context:,}")
    if model.shape and serving.context and model.shape.kind != "encoder" and serving.logits == "last":
        logits = model.shape.vocabulary * (serving.context or 0) * serving.batch * 6
        if logits > _WORTH_BYTES:
            found.append(
                f"calling the model on a whole text instead of `generate` makes logits of all tokens: {memory(logits)} "
                "(`--logits all`)"
            )
    cards = serving.gpus or ()
    if len(cards) > 1 and serving.placement == "first":
        found.append("every process uses the first GPU, which `cuda` means (`--place spread` or `split`)")
    if served_dtype(model, serving) == "int4" or served_dtype(model, serving) == "int8":
        found.append("embeddings and norms stay in 16 bits; a scale is counted for each group of 128 weights")
    return tuple(found)
