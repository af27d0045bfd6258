"""Hand-made facts, rules and reports for the tests of everything that shows them."""

from collections.abc import Iterator
from typing import Any

from modeldoctor.facts.checkpoint import (
    Anatomy,
    Call,
    Checkpoint,
    Container,
    Evidence,
    Global,
    Part,
    Pickle,
    Prefix,
    Problem,
    Storage,
    Tensor,
)
from modeldoctor.facts.environment import Target, Value
from modeldoctor.findings import Confidence, Failure, Finding, Hit, Report, Severity, Skip, Subject, Unjudged, Where
from modeldoctor.rules.base import Context, Rule

# Everything that a name in a file can do to a terminal or a reader.
HOSTILE = "a\x1b[31mred\x07\r\n\u202egnp.exe\u200b[bold]x[/]\ud800\u3164"

TRAINING = Anatomy(
    "training",
    root_class="dict",
    weights_key="model",
    parts=(Part("model", "weights", 2, 4_000_000), Part("optimizer", "optimizer", 4, 8_000_000)),
    parameters=1_000_000,
    storage_bytes=12_000_000,
    tensor_bytes=12_000_000,
    bytes_by_dtype=(("float32", 9_000_000), ("float16", 3_000_000)),
    tensors_by_dtype=(("float32", 6), ("float16", 1)),
    optimizer_bytes=8_000_000,
    weights_bytes=4_000_000,
    prefixes=(Prefix("module.", 2, 2),),
    devices=(("cuda:0", 7),),
    epoch=12,
)


def tensor(path: str, *shape: int, dtype: str = "float32", storage: int | None = None) -> Tensor:
    return Tensor(path, dtype, shape, (), storage, 0, "cpu")


def checkpoint(path: str = "model.pt", **changes: Any) -> Checkpoint:
    facts = Checkpoint(
        path,
        "torch-zip",
        "torch.save zip",
        "understood",
        12_100_000,
        container=Container("zip", "archive", 9, "3", "little"),
        pickles=(
            Pickle(
                "archive/data.pkl", 0, 4096, 2, 99, (),
                (Global("torch._utils", "_rebuild_tensor_v2", frozenset({"called"}), 43, 7),),
                (Call("os.system", "'id'", 50),), (),
            ),
        ),
        storages=(Storage("0", "torch.FloatStorage", "float32", 1_000_000, 4_000_000, "cuda:0"),),
        tensors=(tensor("model.weight", 1000, 1000, storage=0), tensor("model.tied", 1000, 1000, storage=0)),
        anatomy=TRAINING,
        writer=(Evidence("torch", "1.6", None, "a zip"), Evidence("torch", "2.1", "2.3", "the record .data/id")),
        bytes_read=5000,
    )  # fmt: skip
    return facts._replace(**changes)


def foreign(path: str = "model.onnx") -> Checkpoint:
    return Checkpoint(path, "onnx", "ONNX model", "recognised", 123, advice="load it with onnxruntime")


def unknown(path: str = "junk.bin") -> Checkpoint:
    anatomy = Anatomy("unknown", reason="it starts with 00 01")
    return Checkpoint(path, "unknown", "unknown bytes", "not understood", 5, anatomy=anatomy)


def broken(path: str = "cut.pt") -> Checkpoint:
    problem = Problem("truncated", "the directory of the archive is missing", byte=77)
    return Checkpoint(path, "torch-zip", "torch.save zip", "unreadable", 77, problems=(problem,))


def subject(facts: Checkpoint) -> Subject:
    state = "not checked" if facts.state == "recognised" else facts.state
    return Subject(facts.path, facts.format, state, facts)


def finding(path: str = "model.pt", **changes: Any) -> Finding:
    made = Finding(
        "MDR901",
        "made-up",
        Severity.ERROR,
        Confidence.HIGH,
        "the thing is `wrong`",
        Where(path, member="archive/data.pkl", byte=2),
        "mend it",
        (("needs", "`a.B`"),),
        (),
        "https://example.invalid/made-up/",
        "0123456789abcdef",
    )
    return made._replace(**changes)


def report(*findings: Finding, facts: tuple[Checkpoint, ...] | None = None, **changes: Any) -> Report:
    subjects = tuple(subject(item) for item in ((checkpoint(),) if facts is None else facts))
    made = Report(subjects, findings, (), (), Target(), Severity.ERROR, rules_run=3)
    return made._replace(**changes)


FULL = report(
    finding(),
    finding("other.pt", severity=Severity.WARNING, fix=None, notes=(), where=Where("other.pt"), data={"phase": "load"}),
    facts=(checkpoint(), foreign(), unknown(), broken()),
    skips=(Skip("MDR902", "model.pt", "needs torch, which is not known"), Skip(None, "x.bin", "larger than the limit")),
    failures=(Failure("rule MDR903 x crashed: KeyError: 'a'", "model.pt", "MDR903", "Traceback …"),),
    target=Target(torch=Value("2.6.0", "--torch"), gpus=()),
    hidden=2,
)


def rule(code: str, slug: str, severity: Severity, *answers: Hit | Unjudged, needs: tuple[str, ...] = ()) -> Rule:
    """A rule that gives these answers for every checkpoint; an exception among them is raised."""

    def check(_: Checkpoint, __: Context) -> Iterator[Hit | Unjudged]:
        """A rule for tests.

        ## What it finds
        The `thing`, **always**: [here](https://example.invalid/).

        ## Why it matters
        It does.

        ## Seen as
        ```
        KeyError: 'x'
        ```

        ## Fix
        Mend it.

        ## References
        None.
        """
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
            yield answer

    return Rule(code, slug, f"what {slug} is about", severity, Checkpoint, check, "0.1", needs=needs)
