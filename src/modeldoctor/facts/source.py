"""What the Python source of a project does with models. Paths are as reports print them, with `/`."""

from typing import NamedTuple

from modeldoctor.facts.checkpoint import Checkpoint


class Span(NamedTuple):
    """A place in a source file; lines and columns start at 1."""

    path: str
    line: int
    column: int | None = None
    end_line: int | None = None
    end_column: int | None = None


class Hop(NamedTuple):
    """A call on the way from an entry point to a place: `caller` is the function it stands in, `callee` its text."""

    where: Span
    caller: str
    callee: str


class EntryPoint(NamedTuple):
    """What a framework calls.

    `framework`: django, fastapi, flask, streamlit…; `context`: request, startup, import, background or script; `label`
    names it for a person (`handler for /predict`). `is_async`: it runs on the event loop.
    """

    framework: str
    context: str
    label: str
    where: Span
    is_async: bool = False


class Once(NamedTuple):
    """What makes a load run once: kind `guard`, `cache`, `singleton` or `wrapper`, `text` in words.

    `locked`: never in two threads at a time. `scope`: once per `process`, per `thread`, or per `key`, the arguments.
    """

    kind: str
    text: str
    where: Span
    locked: bool
    scope: str


class FileName(NamedTuple):
    """How the file that is loaded is named.

    form: `relative` (to the working directory), `absolute`, `beside` (computed from `__file__` or a base folder),
    `environment`, `client` (a request decides), `name` (of a hub), `unknown`. `text` is the literal where it is one;
    `where` the parameter or expression through which a client decides, `source` what that is.
    """

    form: str
    text: str = ""
    where: Span | None = None
    source: str = ""


class Handler(NamedTuple):
    """The `except` clauses around a call that do not raise again: the classes caught, and what is done instead.

    `where` is the `except` line, `action` its first statement; `broad`: it catches every error.
    """

    where: Span
    action: Span
    classes: tuple[str, ...]
    broad: bool


class ModelLoad(NamedTuple):
    """A call that loads a model.

    `loader` is its dotted name, `kind` weights | tokenizer | architecture | data, `reads` disk | network | either.
    `when`: per_request | background | lazy | at_startup | at_import | script | unknown. `chain` leads from `entry` to
    the call, `dependency` is the `Depends(…)` on the way. `function` is where it stands.
    `uses`: what is done with the result (`module`: called or put into eval mode, `state_dict`: given to
    load_state_dict, `mapping`: indexed). `weights_only`: missing | True | False | computed; `map_location`: missing |
    cpu | cuda | computed | guarded (under a test of CUDA). `handlers` are the clauses around it that go on, `raised`
    where they raise. `swallowed`: what happens when it fails and nobody learns of it; `retried`: the second load with
    weights_only=False after the first was refused. `main_only`: it runs only when the file is started as a script; the
    place is a handler that needs it. `explicit_reload`: the request asks for a load. `checkpoint`: the file that is
    named.
    """

    where: Span
    loader: str
    kind: str
    reads: str
    when: str
    function: str
    entry: EntryPoint | None = None
    chain: tuple[Hop, ...] = ()
    once: Once | None = None
    dependency: Span | None = None
    file: FileName = FileName("unknown")
    uses: frozenset[str] = frozenset()
    weights_only: str = "missing"
    map_location: str = "missing"
    handlers: tuple[Handler, ...] = ()
    raised: tuple[Span, ...] = ()
    swallowed: Span | None = None
    retried: Span | None = None
    main_only: Span | None = None
    explicit_reload: bool = False
    checkpoint: Checkpoint | None = None


class Inference(NamedTuple):
    """A call of a model in a request.

    `model` is its text, `kind`: module (an `nn.Module`), loaded (what torch.load gave), hub (of torch.hub, which may be
    anything), pretrained (of transformers, in evaluation mode), predictor (it looks after gradients itself) or named
    (only its name says so). `reached` is the call in the handler that leads to it, the inference itself where it stands
    there. `loop` is the coroutine whose event loop it blocks. `grad`: gradients are recorded. `evaluated`: eval() is
    called somewhere. `handled`: an error is caught.
    """

    where: Span
    model: str
    kind: str
    function: str
    entry: EntryPoint
    chain: tuple[Hop, ...]
    reached: Span
    loop: Span | None
    grad: bool
    evaluated: bool
    handled: bool
    load: Span | None = None


class Observation(NamedTuple):
    """Something else that a rule may mind: `kind` says which, `text` what it is about, `others` where else to look."""

    kind: str
    where: Span
    text: str = ""
    function: str = ""
    entry: EntryPoint | None = None
    others: tuple[tuple[Span, str], ...] = ()
    certain: bool = True


class Unread(NamedTuple):
    """A file that is not Python 3, too large or unreadable. kind: `syntax`, `limit` or `unreadable`."""

    where: Span
    kind: str
    reason: str


class Source(NamedTuple):
    """The Python source of a project.

    `versions` are the pinned releases of the packages that matter here, each with the place that says so.
    """

    path: str
    files: int
    frameworks: tuple[str, ...] = ()
    entries: int = 0
    loads: tuple[ModelLoad, ...] = ()
    inferences: tuple[Inference, ...] = ()
    observations: tuple[Observation, ...] = ()
    unread: tuple[Unread, ...] = ()
    versions: tuple[tuple[str, str, str], ...] = ()

    def seen(self, kind: str) -> tuple[Observation, ...]:
        """The observations of one kind."""
        return tuple(observation for observation in self.observations if observation.kind == kind)

    def version(self, package: str) -> tuple[str, str] | None:
        """The pinned release of a package and where it is pinned, or None."""
        return next(((text, place) for name, text, place in self.versions if name == package), None)
