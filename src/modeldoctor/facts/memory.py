"""What a model needs in memory, on each GPU and on the host, as sums whose terms say where they come from.

All figures are bytes. `low` is what is certain, `likely` the best estimate, `high` an upper bound; None: not known.
"""

from typing import Any, NamedTuple

from modeldoctor.findings import Where

# Terms that others look for by name.
WEIGHTS = "weights"
HELD = "model in host memory"
WHILE_LOADING = "extra while loading"


class Term(NamedTuple):
    """A part of a sum. `source` says where the figure comes from, `assumption` what it rests on or leaves out."""

    term: str
    low: int
    likely: int | None
    high: int | None
    source: str
    assumption: str = ""

    def times(self, number: int) -> "Term":
        """The term for several processes."""
        likely = None if self.likely is None else self.likely * number
        high = None if self.high is None else self.high * number
        return self._replace(low=self.low * number, likely=likely, high=high)


class Range(NamedTuple):
    """A sum. `likely` and `high` are None when a term of it is not known; `known` leaves such terms out."""

    low: int
    likely: int | None
    high: int | None
    known: int


class Card(NamedTuple):
    """A GPU whose memory is the budget. `why` says why `budget_bytes` is None: hardware that is not modelled."""

    name: str
    budget_bytes: int | None
    capability: int | None = None
    source: str = ""
    why: str = ""
    from_driver: bool = True


class Load(NamedTuple):
    """How the code gets from the file to a model in memory. The fields are the steps; `name` is how people call it.

    `module`: `fresh` (built with its own values), `meta` (built without), `none` (the file holds the object).
    `file`: `copied` (into private memory), `mapped` (pages of the file), `device` (each storage straight to the GPU).
    `buffered`: the whole file lies in memory too (`BytesIO`). `assign`: the parameters of the file replace those of the
    module instead of being copied into them. `kept`: the loaded object stays referenced. `cast`: `.half()` and its kin
    run on the `module` after the load, on the `dict` before it, or on neither (None). `early`: the module is moved to
    the GPU before the load. `at_once`: so many loads run at the same time in one process.
    """

    name: str
    module: str = "fresh"
    file: str = "copied"
    buffered: bool = False
    assign: bool = False
    kept: bool = False
    cast: str | None = None
    early: bool = False
    at_once: int = 1


class Serving(NamedTuple):
    """How the model is served, as far as it is known: from flags, or from the code and its deployment.

    `copies` are models per process (one for each thread that loads its own), `threads` those that compute at once.
    `context` is the tokens per sequence, prompt and answer together, `prompt` those of
    them that are read in at once (None: all). `placement`: `first` (every process uses the first
    GPU, which `cuda` means), `spread` (processes take the GPUs in turn), `split` (one model over all GPUs).
    `logits` are made of the `last` token only, or of `all`.
    `gpus` is None when nothing is known of them and `()` when the host has none.
    """

    processes: int = 1
    threads: int = 1
    copies: int = 1
    batch: int = 1
    context: int | None = None
    prompt: int | None = None
    dtype: str | None = None
    kv_dtype: str | None = None
    attention: str = "sdpa"
    logits: str = "last"
    transformers: str | None = None
    load: Load | None = None
    load_where: Where | None = None
    grad: bool | None = None
    grad_where: Where | None = None
    placement: str = "first"
    gpus: tuple[Card, ...] | None = None
    torch: str | None = None
    cuda: str | None = None
    host_limit_bytes: int | None = None
    host_limit_where: Where | None = None
    shm_bytes: int | None = None
    shm_where: Where | None = None
    shm_use: str = ""
    timeout_seconds: float | None = None
    timeout_what: str = ""
    timeout_where: Where | None = None
    environment: tuple[tuple[str, str], ...] = ()
    environment_where: Where | None = None


class Value(NamedTuple):
    """A tensor of an exported graph. `alias` is the value whose memory it shows, None when it has its own."""

    name: str
    size_bytes: int
    first: int
    last: int
    alias: str | None = None


class Graph(NamedTuple):
    """An exported program as far as its memory goes: `values` live from step `first` to step `last`.

    `batch` is the size of the dynamic first dimension that the sizes hold for, None when it is fixed.
    """

    values: tuple[Value, ...]
    steps: int
    batch: int | None = None
    convolution_bytes: int = 0
    recurrent: bool = False


class Trace(NamedTuple):
    """What a forward pass without weights or device took, measured at `batch`; `slope_bytes` is per further item.

    `weights_bytes` are parameters and buffers of the module, by dtype in `weights_by_dtype`.
    """

    target: str
    batch: int
    peak_bytes: int
    slope_bytes: int | None
    largest_bytes: int
    convolution_bytes: int
    recurrent_bytes: int
    weights_bytes: int
    weights_by_dtype: tuple[tuple[str, int], ...]
    grad_bytes: int | None
    torch: str
    seconds: float
    problem: str = ""


class Need(NamedTuple):
    """What one GPU or the host must hold for `processes` processes, against its budget.

    `terms` are all of it: `each` as often as there are processes, and `once`.

    `verdict`: `fits` | `tight` | `does not fit` | `unknown`; `reason` says why in a clause. `most_processes` is
    how many fit (a ceiling by memory; likely figures), None when that is not known.
    """

    name: str
    processes: int
    terms: tuple[Term, ...]
    total: Range
    per_process: Range
    budget_bytes: int | None
    verdict: str
    reason: str
    most_processes: int | None = None
    source: str = ""
    each: tuple[Term, ...] = ()
    once: tuple[Term, ...] = ()


class Alternative(NamedTuple):
    """The weights in another dtype, and what the GPU would then hold. Never the verdict."""

    dtype: str
    weights_bytes: int
    saved_bytes: int
    verdict: str = ""


class Startup(NamedTuple):
    """Seconds until the model is loaded, from one class of storage."""

    disk: str
    low: float
    likely: float
    high: float
    exceeds: tuple[str, ...] = ()


class Reach(NamedTuple):
    """The largest batch and sequence that fit (likely figures), and how many sequences of some lengths do."""

    batch: int | None = None
    context: int | None = None
    concurrency: tuple[tuple[int, int], ...] = ()


class Memory(NamedTuple):
    """A model, how it is served, and what that needs. `ways` says which way the activations are known by.

    `catalogue` are the common GPUs with their verdicts when the user named none; `smallest` is the first that fits.
    """

    path: str
    dtype: str
    storage_bytes: int
    weights_bytes: int
    optimizer_bytes: int
    parameters: int
    serving: Serving
    load: Load
    load_assumed: bool
    load_bytes: int
    devices: tuple[Need, ...]
    host: Need
    steady: Need
    activations: str
    alternatives: tuple[Alternative, ...] = ()
    startup: tuple[Startup, ...] = ()
    reach: Reach = Reach()
    catalogue: tuple[Need, ...] = ()
    smallest: str | None = None
    notes: tuple[str, ...] = ()
    problems: tuple[str, ...] = ()
    kv_bytes_per_token: int | None = None
    architecture: dict[str, Any] | None = None

    @property
    def verdict(self) -> str:
        """The worst verdict of the GPUs that are used, and of the host where it has a limit."""
        needs = [need for need in self.devices if need.processes]
        if self.host.budget_bytes is not None or not needs:
            needs.append(self.host)
        found = {need.verdict for need in needs}
        return next((word for word in ("does not fit", "unknown", "tight", "fits") if word in found), "unknown")
