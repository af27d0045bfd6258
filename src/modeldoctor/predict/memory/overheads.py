"""What a process takes beside its tensors: the CUDA context, the workspaces of libraries, and the allocator's slack."""

from bisect import bisect_left, insort

from modeldoctor.facts.memory import Card, Serving, Term
from modeldoctor.predict.memory.architecture import Architecture
from modeldoctor.predict.memory.sizes import ITEM, Sizes, piece_bytes
from modeldoctor.predict.versions import key
from modeldoctor.tables import table

MIB = 1 << 20
# Data centre GPUs of Hopper and Blackwell, where the highest context was published.
_LARGE_CONTEXT = (90, 100, 103)
# Compute capabilities whose cuBLAS takes 32 MiB (getChosenWorkspaceSize): sm_90, and sm_100 depending on the release.
_LARGE_WORKSPACE = (90,)
_DOUBTFUL_WORKSPACE = (100, 103, 110, 120)
# From this release on the workspace is given back after each use (torch.cuda.current_blas_handle in its docs).
_TRANSIENT_WORKSPACE = "2.15"
# From here on a model has one table of positions, and `generate` asks for the logits of the last token only.
ONE_TABLE = "4.45"
# From here on attention is computed by SDPA where the configuration doesn't say otherwise.
SDPA_SINCE = "4.36"
# Tensors beyond this number are placed as if they were alike: no real model has as many.
MAX_PLACED = 10_000


def context_term(card: Card | None, serving: Serving) -> Term:
    """The CUDA context, loaded kernels and library handles of one process on one GPU."""
    data = table("memory")
    eager = dict(serving.environment).get("CUDA_MODULE_LOADING") == "EAGER"
    old = bool(serving.cuda and serving.cuda != "cpu" and key(serving.cuda) < key("11.7"))
    old = old or bool(serving.torch and key(serving.torch) < key("1.13"))
    low, likely, high = data["context"]["cuda_lt_11_7_or_eager" if eager or old else "cuda_ge_11_7_lazy"]
    if card and card.capability in _LARGE_CONTEXT:
        high = max(high, data["context_hopper_high"])
    how = "kernels loaded at once" if eager or old else "kernels loaded when first used (CUDA 11.7 and newer)"
    return Term("CUDA context", low, likely, high, f"published: {data['context_source']}", how)


def workspace_term(card: Card | None, serving: Serving) -> Term:
    """Each thread that computes has a workspace of cuBLAS, and one of cuBLASLt."""
    data = table("memory")["cublas"]
    configured = _configured(dict(serving.environment).get("CUBLAS_WORKSPACE_CONFIG", ""))
    capability = card.capability if card else None
    each = data["sm90"] if capability in _LARGE_WORKSPACE else data["default"]
    high = max(each, data["sm90"]) if capability in {*_LARGE_WORKSPACE, *_DOUBTFUL_WORKSPACE, None} else each
    each, high = (configured, configured) if configured is not None else (each, high)
    transient = bool(serving.torch and key(serving.torch) >= key(_TRANSIENT_WORKSPACE))
    low = 0 if transient or (serving.torch and key(serving.torch) < key("1.13")) else each
    threads = serving.threads
    text = f"{threads} thread{'' if threads == 1 else 's'} that compute{'s' if threads == 1 else ''}"
    return Term(
        "cuBLAS workspace",
        low * threads,
        (each + data["lt"]) * threads,
        (high + data["lt"]) * threads,
        data["source"],
        text,
    )


def _configured(text: str) -> int | None:
    """`:4096:2:16:8` → bytes: sizes in KiB and how many of each; None when it says nothing."""
    numbers = text.strip(":").split(":") if text else []
    if (
        not numbers
        or len(numbers) % 2
        or len(numbers) > 16
        or not all(part.isdecimal() and len(part) < 8 for part in numbers)
    ):
        return None
    return sum(int(size) * int(times) * 1024 for size, times in zip(numbers[::2], numbers[1::2], strict=True))


def allocator_term(sizes: Sizes, dtype: str | None, dynamic: Term, cache: int, shards: int) -> Term:
    """Segments of the caching allocator beyond what is in use.

    The weights are placed as the allocator would; what comes and goes later leaves gaps, which the published ratios of
    reserved to allocated memory bound (1.002 for Llama-2-7B to 1.41 for GPT-2).
    """
    surplus = reserved_for(sizes, dtype) // shards
    segment = table("memory")["allocator"]["large_segment"]
    known = dynamic.likely or 0
    high = (
        None if dynamic.high is None else surplus + 2 * segment + max(dynamic.high, known) * 3 // 10 + cache * 15 // 100
    )
    return Term(
        "allocator slack", 0, surplus + segment + known * 2 // 100, high, table("memory")["allocator_source"],
        "blocks of 512 bytes in segments of 2 MiB, 20 MiB or multiples of 2 MiB",
    )  # fmt: skip


def reserved_for(sizes: Sizes, dtype: str | None) -> int:
    """What the segments take beyond the tensors of the weights, placed one after the other."""
    data = table("memory")["allocator"]
    requested = segments = placed = 0
    free: dict[int, list[int]] = {data["small_segment"]: [], data["large_segment"]: []}
    for piece in sizes.pieces:
        size = piece_bytes(piece, dtype)
        block = -(-size // data["min_block"]) * data["min_block"]
        requested += size * piece.times
        if size >= data["mid_range_max_exclusive"]:
            segments += -(-block // data["round_large"]) * data["round_large"] * piece.times
            continue
        whole = data["small_segment"] if size <= data["small_size_max"] else data["large_segment"]
        times = min(piece.times, max(0, MAX_PLACED - placed))
        placed += times
        # The rest of many alike pieces: as many in a segment as go into one.
        left = piece.times - times
        segments += -(-left * block // (whole // block * block)) * whole if left and block else 0
        for _ in range(times):
            segments += _place(free[whole], block, whole)
    return max(0, segments - requested)


def _place(free: list[int], block: int, segment: int) -> int:
    """Take the smallest gap that is large enough, or a new segment; the bytes that were added."""
    at = bisect_left(free, block)
    added = 0
    if at < len(free):
        left = free.pop(at) - block
    else:
        left, added = segment - block, segment
    if left >= 512:
        insort(free, left)
    return added


def positions_term(shape: Architecture | None, serving: Serving, dtype: str) -> Term | None:
    """Each layer's table of rotary positions, which transformers kept before 4.45 (modeling_llama.py, cos_cached)."""
    release = serving.transformers
    if shape is None or not release or key(release) >= key(ONE_TABLE) or shape.kind != "decoder" or not shape.gated:
        return None
    tokens = max(shape.most_tokens or 2048, serving.context or 0)
    size = int(2 * tokens * shape.head_dim * ITEM.get(dtype, 2.0)) * shape.layers
    text = f"{shape.layers} layers of {tokens:,} positions in transformers {release}"
    return Term("position tables", 0, size, size, "modeling_llama.py of transformers, LlamaRotaryEmbedding", text)


def driver_term() -> Term:
    """What the driver keeps of the memory that it reports; once for each GPU."""
    data = table("memory")["driver"]
    low, likely, high = data["bytes"]
    return Term(
        "kept by the driver", low, likely, high, f"published: {data['source']}", "the same however many processes"
    )


def nccl_term() -> Term:
    """Buffers of the library that GPUs talk through when one model is split over them."""
    data = table("memory")["nccl"]
    low, likely, high = data["bytes"]
    return Term("NCCL buffers", low, likely, high, f"published: {data['source']}", "one model split over several GPUs")
