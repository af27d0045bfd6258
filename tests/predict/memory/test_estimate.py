"""The estimate as a whole: sums, verdicts, loads, GPUs, and bytes that agree with what torch allocates."""

from pathlib import Path
from typing import Any

import pytest

from modeldoctor.errors import UsageError
from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.memory import Card, Graph, Load, Memory, Serving, Term, Trace
from modeldoctor.facts.memory import Value as GraphValue
from modeldoctor.predict.memory.activations import live_peak
from modeldoctor.predict.memory.devices import cards, common, machine
from modeldoctor.predict.memory.estimate import Given, estimate
from modeldoctor.predict.memory.loading import CODE, STYLES, Amounts, peaks
from modeldoctor.predict.memory.overheads import context_term, reserved_for, workspace_term
from modeldoctor.predict.memory.sizes import MAX_PIECES, Piece, Sizes, alike, bytes_as, sizes_of
from modeldoctor.predict.memory.target import memory_of
from modeldoctor.predict.memory.verdicts import decide, judged, total
from modeldoctor.readers.checkpoint import read_checkpoint
from tests.rules.builders import checkpoint
from tests.rules.serving import DECODER, GIB, MIB, card, decoder, model, served

FIXTURES = Path(__file__).parents[3] / "fixtures" / "checkpoints"


def term(found: Memory, name: str) -> Term:
    return next(each for each in found.devices[0].each if each.term == name)


# --------------------------------------------------------------------------- exact bytes


def storages_of(value: Any) -> dict[int, int]:
    """The unique storages below a value, by address."""
    import torch

    if isinstance(value, torch.Tensor):
        if value.is_sparse:
            return storages_of([value._indices(), value._values()])
        return {value.untyped_storage()._cdata: value.untyped_storage().nbytes()} if not value.is_meta else {}
    if isinstance(value, torch.nn.Module):
        return storages_of([*value.parameters(), *value.buffers(), *vars(value).values()])
    if isinstance(value, dict):
        return storages_of(list(value.values()))
    found: dict[int, int] = {}
    for item in value if isinstance(value, (list, tuple)) else ():
        found |= storages_of(item)
    return found


@pytest.mark.filterwarnings("ignore:Sparse CSR")
@pytest.mark.parametrize(
    "name",
    ["state_dict.pt", "training.pt", "tied.pt", "views.pt", "half.pt", "float64.pt", "dtypes.pt", "legacy.pt", "sequential.pt",
     "lightning.ckpt", "tensors.pt", "tagged_cuda0.pt", "dataparallel.pt"],
)  # fmt: skip
def test_storages_are_what_torch_allocates(name: str) -> None:
    import torch

    path = str(FIXTURES / name)
    loaded = torch.load(path, weights_only=False, map_location="cpu")
    assert sizes_of(read_checkpoint(path, path)).storage_bytes == sum(storages_of(loaded).values())


def test_only_the_weights_of_a_training_checkpoint_are_served() -> None:
    import torch

    path = str(FIXTURES / "training.pt")
    found = estimate(read_checkpoint(path, path), Serving(gpus=(card(),)))
    loaded = torch.load(path, weights_only=False)
    key = read_checkpoint(path, path).anatomy.weights_key
    assert key
    assert found.weights_bytes == sum(storages_of(loaded[key]).values())
    assert found.optimizer_bytes == found.storage_bytes - found.weights_bytes > 0


# --------------------------------------------------------------------------- dtypes


def test_dtypes_change_what_is_floating_point_and_nothing_else() -> None:
    pieces = (Piece("float32", 1024, 4096, matrix=True), Piece("int64", 8, 64, matrix=False))
    sizes = Sizes(pieces, 4160, 4160, 0, 0, 4096, 1032, "float32")
    assert [bytes_as(sizes, dtype, storages=False) for dtype in (None, "float32", "bfloat16", "float64")] == [
        4160, 4160, 2048 + 64, 8192 + 64,
    ]  # fmt: skip
    assert bytes_as(sizes, "int8", storages=False) == 1024 + 1024 // 128 * 2 + 64
    assert bytes_as(sizes, "int4", storages=False) == 512 + 1024 // 128 * 2 + 64


def test_views_keep_their_storage_until_they_are_copied() -> None:
    path = str(FIXTURES / "views.pt")
    sizes = sizes_of(read_checkpoint(path, path))
    assert bytes_as(sizes, None, storages=True) > bytes_as(sizes, "bfloat16", storages=True) * 2


def test_alternatives_are_named_and_never_the_verdict() -> None:
    found = decoder(2048, gpus=(card(14),))
    assert found.verdict == "does not fit"
    assert [(each.dtype, each.verdict) for each in found.alternatives] == [("int8", "fits"), ("int4", "fits")]


# --------------------------------------------------------------------------- loading

S = 100
WHOLE = Amounts(S, S, S, S, S, 20)
ADAM = Amounts(3 * S, S, 3 * S, S, S, 20)


@pytest.mark.parametrize(
    ("name", "peak", "steady"),
    [
        ("state-dict", 2, 1), ("state-dict-kept", 2, 2), ("mmap", 1, 1), ("assign", 2, 1), ("meta", 1, 1), ("meta-mmap", 0, 0),
        ("bytesio", 3, 1), ("whole", 1, 1), ("whole-mmap", 0, 0), ("whole-bytesio", 2, 1), ("safetensors", 1, 1),
        ("safetensors-file", 0, 0), ("jit", 1, 1), ("export", 1, 1), ("from-pretrained", 1, 1),
    ],
)  # fmt: skip
def test_multiples_on_the_host(name: str, peak: float, steady: float) -> None:
    """The multiples that benchmarks/accuracy/load_styles.py measures with torch 2.13.0."""
    found = peaks(STYLES[name], WHOLE, gpu=False)
    assert (found.host, found.host_steady) == (peak * S, steady * S)


@pytest.mark.parametrize(
    ("name", "amounts", "peak", "steady"),
    [
        ("state-dict", ADAM, 4, 1), ("mmap", ADAM, 1, 1), ("meta-mmap", ADAM, 0, 0), ("whole", ADAM, 3, 3),
        ("half-after", WHOLE._replace(final=S // 2), 2, 0.5), ("half-dict", WHOLE._replace(final=S // 2), 1.5, 0.5),
        ("state-dict", Amounts(S // 2, S // 2, S // 2, S, S, 20), 1.5, 1),
    ],
)  # fmt: skip
def test_multiples_of_other_files(name: str, amounts: Amounts, peak: float, steady: float) -> None:
    found = peaks(STYLES[name], amounts, gpu=False)
    assert (found.host, found.host_steady) == (peak * S, steady * S)


@pytest.mark.parametrize(
    ("name", "host", "device", "steady"),
    [
        ("state-dict", 2, 1, 1), ("gpu", 1, 2, 1), ("gpu-late", 1, 1.2, 1), ("gpu-whole", 0.2, 1, 1), ("gpu-meta", 0.2, 1, 1),
        ("meta-mmap", 0, 1, 1), ("whole", 1, 1, 1),
    ],
)  # fmt: skip
def test_multiples_with_a_gpu(name: str, host: float, device: float, steady: float) -> None:
    found = peaks(STYLES[name], WHOLE, gpu=True)
    assert (found.host, found.device, found.device_steady) == (host * S, device * S, steady * S)


def test_loads_at_the_same_time_add_up() -> None:
    found = peaks(STYLES["state-dict"]._replace(at_once=2), WHOLE, gpu=False)
    assert (found.host, found.host_steady) == (4 * S, 2 * S)


def test_every_way_has_its_code() -> None:
    assert list(CODE) == list(STYLES)


# --------------------------------------------------------------------------- overheads


@pytest.mark.parametrize(
    ("request_", "segment"), [(40, 2 * MIB), (40_000, 2 * MIB), (8_519_680, 20 * MIB), (11 * MIB, 12 * MIB)]
)
def test_the_allocator(request_: int, segment: int) -> None:
    """discuss.pytorch.org, topic 178671: 8,519,680 bytes stand in a segment of 20,971,520."""
    sizes = Sizes((Piece("uint8", request_, request_, matrix=False),), request_, request_, 0, 0, 0, 0, "uint8")
    assert reserved_for(sizes, None) == segment - request_


def test_the_allocator_fills_gaps() -> None:
    piece = Piece("uint8", 9 * MIB, 9 * MIB, matrix=False)
    sizes = Sizes((piece, piece, piece._replace(size_bytes=MIB + 512)), 0, 0, 0, 0, 0, 0, "uint8")
    assert reserved_for(sizes, None) == 20 * MIB - 19 * MIB - 512


def test_the_context_depends_on_cuda_and_architecture() -> None:
    lazy, eager = context_term(None, Serving()), context_term(None, Serving(torch="1.12.1"))
    assert lazy.likely is not None
    assert eager.likely is not None
    assert lazy.likely < eager.likely
    assert (context_term(Card("H100", 1, 90), Serving()).high or 0) > (lazy.high or 0)
    assert context_term(None, Serving(environment=(("CUDA_MODULE_LOADING", "EAGER"),))) == eager


def test_the_workspace_depends_on_torch_architecture_and_threads() -> None:
    ampere = workspace_term(Card("A10", 1, 86), Serving(torch="2.6.0"))
    assert ampere.low == 8_519_680
    assert workspace_term(Card("H100", 1, 90), Serving(torch="2.6.0")).low == 32 * MIB
    assert workspace_term(Card("A10", 1, 86), Serving(torch="2.15.0")).low == 0
    assert workspace_term(Card("A10", 1, 86), Serving(threads=4)).low == 4 * 8_519_680
    configured = Serving(environment=(("CUBLAS_WORKSPACE_CONFIG", ":16:8"),))
    assert workspace_term(Card("A10", 1, 86), configured).low == 16 * 8 * 1024


# --------------------------------------------------------------------------- activations


def test_the_formula_agrees_with_a_published_measurement() -> None:
    """Qwen2.5-7B, a prompt of 30,720 tokens: 19.97 GiB (QwenLM/Qwen2.5, speed_benchmark.rst)."""
    config = {
        "model_type": "qwen2", "hidden_size": 3584, "num_hidden_layers": 28, "num_attention_heads": 28,
        "num_key_value_heads": 4, "intermediate_size": 18944, "vocab_size": 152064, "tie_word_embeddings": False,
        "torch_dtype": "bfloat16",
    }  # fmt: skip
    found = served(checkpoint("model-folder", config=config), context=32768, prompt=30720, gpus=(card(80),))
    parts = [term(found, name) for name in ("weights", "KV cache", "activations", "cuBLAS workspace")]
    assert sum(part.likely or 0 for part in parts) == pytest.approx(19.97 * GIB, rel=0.01)
    assert sum(part.low for part in parts) < 19.97 * GIB < sum(part.high or 0 for part in parts)


def test_without_a_context_the_cache_is_asked_for() -> None:
    found = decoder(None, gpus=(card(80),))
    assert found.verdict == "unknown"
    assert term(found, "KV cache").likely is None
    assert "--context" in term(found, "KV cache").assumption


def test_nothing_is_made_up_for_other_networks() -> None:
    found = served(gpus=(card(),))
    assert found.activations == "unknown"
    assert term(found, "activations")[1:4] == (0, None, None)
    assert "--trace" in term(found, "activations").assumption


TRACE = Trace("nets:Net", 8, 800 * MIB, 100 * MIB, 200 * MIB, 100 * MIB, 0, 0, (("float32", 1),), None, "2.13.0", 1.0)


def test_a_trace_scales_with_the_batch_and_the_dtype() -> None:
    at = [
        term(served(given=Given(None, TRACE), batch=batch, gpus=(card(),)), "activations").low for batch in (1, 8, 16)
    ]
    assert at == [100 * MIB, 800 * MIB, 1600 * MIB]
    half = served(given=Given(None, TRACE), batch=8, dtype="float16", gpus=(card(),))
    assert term(half, "activations").low == 400 * MIB
    assert (served(given=Given(None, TRACE), batch=8, gpus=(card(),)).reach.batch or 0) > 100


def test_recurrent_layers_have_no_upper_bound() -> None:
    found = served(given=Given(None, TRACE._replace(recurrent_bytes=50 * MIB)), batch=8, gpus=(card(),))
    assert term(found, "activations").high is None
    assert found.verdict == "unknown"


def test_a_trace_that_failed_says_why() -> None:
    found = served(given=Given(None, TRACE._replace(problem="ValueError: no")), gpus=(card(),))
    assert "ValueError: no" in term(found, "activations").assumption


def test_liveness_of_a_graph() -> None:
    values = (
        GraphValue("x", 1024, 0, 4), GraphValue("a", 2048, 1, 2), GraphValue("view", 2048, 2, 3, "a"), GraphValue("b", 4096, 3, 3),
    )  # fmt: skip
    assert live_peak(Graph(values, 3)) == (1024 + 2048 + 4096, 4096)


def test_gradients_multiply_what_is_kept() -> None:
    plain, kept = decoder(gpus=(card(80),)), decoder(gpus=(card(80),), grad=True)
    assert (term(kept, "activations").likely or 0) == 8 * (term(plain, "activations").likely or 0)


# --------------------------------------------------------------------------- verdicts

TERMS = (Term("a", 10, 20, 30, ""), Term("b", 1, 2, 3, ""))


@pytest.mark.parametrize(
    ("budget", "verdict", "word"),
    [
        (10, "does not fit", "1 byte too much"), (11, "tight", "expect it not to fit"), (22, "tight", "upper bound is 11 bytes"),
        (33, "fits", "leaves"), (None, "unknown", "no limit"),
    ],
)  # fmt: skip
def test_verdicts(budget: int | None, verdict: str, word: str) -> None:
    found, reason = decide(total(TERMS), budget, TERMS)
    assert found == verdict
    assert word in reason


def test_what_is_not_known_is_never_said_to_fit() -> None:
    terms = (*TERMS, Term("c", 0, None, None, ""))
    assert decide(total(terms), 1000, terms)[0] == "unknown"
    assert decide(total(terms), 10, terms)[0] == "does not fit"


def test_workers_multiply_what_is_theirs() -> None:
    need = judged("gpu", TERMS, (Term("once", 0, 5, 5, ""),), 3, 100)
    assert need.total == (33, 71, 104, 71)
    assert need.per_process.likely == 22
    assert need.most_processes == (100 - 5) // 22


def test_placements() -> None:
    two = (card(24, "A"), card(24, "B"))
    first = decoder(gpus=two, processes=2)
    spread = decoder(gpus=two, processes=2, placement="spread")
    split = decoder(gpus=two, placement="split")
    assert [need.processes for need in first.devices] == [2, 0]
    assert [need.verdict for need in spread.devices] == ["fits", "fits"]
    assert first.verdict == "does not fit"
    assert term(split, "weights").likely == pytest.approx((term(spread, "weights").likely or 0) / 2, rel=0.001)
    assert any(each.term == "NCCL buffers" for each in split.devices[0].each)


def test_the_common_gpus_when_none_is_named() -> None:
    found = decoder(2048)
    assert len(found.catalogue) > 10
    assert found.smallest == "A10G"
    assert found.catalogue[0].verdict == "does not fit"


def test_the_largest_batch_just_fits() -> None:
    found = decoder(2048, gpus=(card(24),))
    assert found.reach.batch
    assert decoder(2048, gpus=(card(24),), batch=found.reach.batch).devices[0].total.likely <= 24 * GIB  # type: ignore[operator]
    assert decoder(2048, gpus=(card(24),), batch=found.reach.batch + 1).devices[0].total.likely > 24 * GIB  # type: ignore[operator]
    counts = [number for _, number in found.reach.concurrency]
    assert counts == sorted(counts, reverse=True)


def test_start_up_against_timeouts() -> None:
    found = served(model(10 << 10), gpus=(card(80),))
    by_disk = {start.disk: start for start in found.startup}
    assert by_disk["network volume"].exceeds
    assert by_disk["network volume"].likely > by_disk["local NVMe"].likely
    assert not served(model(10), gpus=(card(80),)).startup[0].exceeds
    patient = served(model(10 << 10), gpus=(card(80),), timeout_seconds=10_000.0)
    assert not any(start.exceeds for start in patient.startup)


@pytest.mark.parametrize("field", ["batch", "context", "processes", "threads", "copies", "prompt"])
@pytest.mark.parametrize("value", [0, -1, 10**30])
def test_numbers_that_make_no_sense(field: str, value: int) -> None:
    with pytest.raises(UsageError, match="must be between 1 and"):
        decoder(**{"context": 2048, field: value})


def test_a_host_without_a_gpu() -> None:
    found = decoder(2048, gpus=())
    assert not found.devices
    assert {"KV cache", "activations"} <= {each.term for each in found.host.each}


def test_what_a_check_judges() -> None:
    target = Target(torch=Value("2.6.0", "--torch"), gpus=(Value("t4", "--gpu"),))
    found = memory_of(model(1024), target)
    assert found
    assert found.devices[0].budget_bytes == 15360 * MIB
    assert memory_of(model(1024), Target(gpus=())) is None


# --------------------------------------------------------------------------- GPUs


@pytest.mark.parametrize(
    ("text", "name", "number", "mib"),
    [
        ("t4", "T4", 1, 15360), ("Tesla T4", "T4", 1, 15360), ("a10g", "A10G", 1, 23028), ("rtx4090", "RTX 4090", 1, 24564),
        ("h100-80", "H100-80GB", 1, 81559), ("a100-80", "A100-80GB", 1, 81920), ("a100-40gb", "A100-40GB", 1, 40960),
        ("g5.xlarge", "A10G", 1, 23028), ("p4d.24xlarge", "A100-40GB", 8, 40960), ("p4de.24xlarge", "A100-80GB", 8, 81920),
        ("2xl4", "L4", 2, 23034), ("2 x t4", "T4", 2, 15360), ("a2-highgpu-4g", "A100-40GB", 4, 40960),
        ("a2-ultragpu-1g", "A100-80GB", 1, 81920), ("g2-standard-24", "L4", 2, 23034), ("nvidia-tesla-t4", "T4", 1, 15360),
        ("Standard_NC48ads_A100_v4", "A100-80GB", 2, 81920), ("NVIDIA A100-SXM4-40GB", "A100-40GB", 1, 40960),
    ],
)  # fmt: skip
def test_names_that_people_type(text: str, name: str, number: int, mib: int) -> None:
    found = machine(text)
    assert (found[0].name, len(found), (found[0].budget_bytes or 0) // MIB) == (name, number, mib)


def test_a_family_is_judged_by_its_smallest_and_says_so() -> None:
    found = machine("a100")[0]
    assert found.name == "A100-40GB"
    assert "40 or 80 GB" in found.source


@pytest.mark.parametrize(
    "text", ["mi300x", "gfx942", "a100-1g.5gb", "1g.10gb", "m2 max", "mps", "tpu-v5e", "g6f.large", "jetson agx orin"]
)
def test_hardware_that_is_not_modelled_is_unknown(text: str) -> None:
    found = machine(text)[0]
    assert found.budget_bytes is None
    assert found.why
    assert served(gpus=(found,)).verdict == "unknown"


@pytest.mark.parametrize(
    ("text", "hint"),
    [("rtx490", "did you mean"), ("g5.xlarg", "g5.xlarge"), ("zzz", "--gpu-memory"), ("rtx 6000", "may mean")],
)
def test_names_that_mean_nothing(text: str, hint: str) -> None:
    with pytest.raises(UsageError, match=hint):
        machine(text)


def test_memory_and_number_of_gpus() -> None:
    assert cards((), None, None) is None
    assert cards(("none",), None, None) == ()
    given = cards((), 16 * GIB, 3)
    assert given
    assert [each.budget_bytes for each in given] == [16 * GIB] * 3
    slice_ = cards(("a100-1g.5gb",), 5 * GIB, None)
    assert slice_
    assert slice_[0].budget_bytes == 5 * GIB
    for arguments in (((), None, 2), ((), GIB, 0), (("t4", "l4"), None, 2), ((), GIB, 10**9)):
        with pytest.raises(UsageError):
            cards(*arguments)


def test_the_common_gpus_are_all_known() -> None:
    found = common()
    assert len(found) >= 12
    assert all(each.budget_bytes for each in found)
    assert [each.budget_bytes for each in found] == sorted(each.budget_bytes or 0 for each in found)


# --------------------------------------------------------------------------- sizes without weights


def test_nonsense_is_a_usage_error() -> None:
    with pytest.raises(UsageError, match="num_hidden_layers"):
        served(checkpoint("model-folder", config={**DECODER, "num_hidden_layers": -1}))


def test_a_way_of_loading_is_assumed_unless_it_is_given() -> None:
    assert served().load_assumed
    assert not served(load=Load("whole", module="none")).load_assumed
    assumed, given = served().host.total, served(load=STYLES["state-dict"]).host.total
    assert assumed.low < given.low
    assert assumed.high is not None


# --------------------------------------------------------------------------- limits


def test_many_tensors_stay_quick() -> None:
    pieces = [Piece("float32", number, 4 * number, matrix=False) for number in range(1, 20_001)]
    found = alike([*pieces, *pieces[:10]])
    assert len(found) == MAX_PIECES + 1
    assert sum(piece.size_bytes * piece.times for piece in found) == sum(
        piece.size_bytes for piece in [*pieces, *pieces[:10]]
    )
