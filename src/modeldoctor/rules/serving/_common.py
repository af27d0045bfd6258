"""What the rules on serving code share: places, chains, and the smallest right code for each framework."""

from modeldoctor.facts.source import EntryPoint, Hop, ModelLoad, Observation, Source, Span
from modeldoctor.findings import Related, Where
from modeldoctor.wording import quoted, size

# The contexts in which code belongs to a running service.
SERVED = frozenset({"per_request", "background", "lazy", "at_startup", "at_import"})


def at(source: Source, span: Span) -> Where:
    """A place of the source as reports print it."""
    path = span.path if source.path in {"", "."} else f"{source.path.rstrip('/')}/{span.path}"
    return Where(path, span.line, span.column, span.end_line, span.end_column)


def related(source: Source, span: Span, message: str) -> Related:
    """Another place and what happens there."""
    return Related(at(source, span), message)


def chain(source: Source, entry: EntryPoint | None, hops: tuple[Hop, ...]) -> tuple[Related, ...]:
    """From the request down: what the framework calls, then each call on the way."""
    if entry is None:
        return ()
    steps = [related(source, entry.where, entry.label)]
    steps += [related(source, hop.where, f"{quoted(_inside(hop.caller))} calls {quoted(hop.callee)}") for hop in hops]
    return tuple(steps)


def _inside(caller: str) -> str:
    return "the module" if caller.startswith("<") else caller


def through(load: ModelLoad) -> str:
    """`in the request`, `in the request, through `predict` and `build``."""
    names = [quoted(hop.callee) for hop in load.chain]
    if not names:
        return ""
    return f", through {', '.join(names[:-1]) + ' and ' if len(names) > 1 else ''}{names[-1]}"


def call(load: ModelLoad) -> str:
    """The loader as people write it: `torch.load`, `AutoModel.from_pretrained`."""
    if load.loader.endswith(".<any>"):
        return f"a model of {quoted(load.loader.removesuffix('.<any>'))}"
    parts = load.loader.split(".")
    if parts[0] in {"torch", "pickle", "joblib"}:
        return quoted(load.loader)
    return quoted(".".join(parts[-2:]) if len(parts) > 1 and parts[-2][:1].isupper() else parts[-1])


def of_file(load: ModelLoad) -> str:
    """` (97.8 MB each time)` when the file is known."""
    return f" ({size(load.checkpoint.size_bytes)} each time)" if load.checkpoint is not None else ""


def torch_load(load: ModelLoad) -> bool:
    """Whether it is `torch.load` itself."""
    return load.loader in {"torch.load", "torch.serialization.load"}


def in_service(load: ModelLoad) -> bool:
    """Whether a running service makes the call."""
    return load.when in SERVED


def label(observation: Observation) -> str:
    """What the code belongs to, for a message."""
    return observation.entry.label if observation.entry is not None else quoted(observation.function)


_LOAD = 'torch.load("model.pt", map_location="cpu", weights_only=True)'

# How each framework loads once: what to do, and the code.
_ONCE = {
    "django": (
        "load in a cached getter that the view calls, and warm it in `AppConfig.ready()` if no request may wait",
        (
            "@functools.lru_cache(maxsize=1)  # vision/ml.py",
            "def get_model():",
            "    model = Net()",
            f"    model.load_state_dict({_LOAD})",
            "    return model.eval()",
        ),
    ),
    "fastapi": (
        "load in the lifespan and hand the model out with a dependency",
        (
            "@asynccontextmanager",
            "async def lifespan(app: FastAPI):",
            "    app.state.model = load_model()",
            "    yield",
            "app = FastAPI(lifespan=lifespan)",
            "def get_model(request: Request):",
            "    return request.app.state.model",
        ),
    ),
    "fastapi before 0.93": (
        "load in a start-up hook and hand the model out with a dependency",
        (
            '@app.on_event("startup")',
            "def start():",
            "    app.state.model = load_model()",
            "def get_model(request: Request):",
            "    return request.app.state.model",
        ),
    ),
    "flask": (
        "load in the application factory and read the model in the route",
        (
            "def create_app():",
            "    app = Flask(__name__)",
            '    app.extensions["model"] = load_model()',
            "    return app",
            'model = current_app.extensions["model"]  # in the route',
        ),
    ),
    "streamlit": (
        "load in a function that Streamlit caches for all sessions",
        ("@st.cache_resource", "def get_model():", "    return load_model()"),
    ),
    "celery": (
        "load once per worker process, when it starts",
        ("@worker_process_init.connect", "def start(**kwargs):", "    global model", "    model = load_model()"),
    ),
    "model-server": (
        "load in the method that runs once per worker (`initialize`, `setup` or `__init__`)",
        ("def setup(self, device):", "    self.model = load_model().to(device)"),
    ),
}
_ANYWHERE = ("load once, at module level or in a start-up hook, and use that object", ("model = load_model()",))
_LIFESPAN_SINCE = (0, 93)  # fastapi/applications.py: before, the keyword is swallowed and never called


def once_for(source: Source, framework: str) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The smallest right way to load once in this framework: what to do, and the code as notes."""
    pinned = source.version("fastapi") if framework == "fastapi" else None
    if pinned is not None and release(pinned[0]) < _LIFESPAN_SINCE:
        framework = "fastapi before 0.93"
    fix, code = _ONCE.get(framework, _ANYWHERE)
    return fix, tuple(("code", line) for line in code)


def release(version: str) -> tuple[int, ...]:
    """The leading numbers of a version: `0.115.5` is (0, 115, 5)."""
    numbers = []
    for part in version.split("."):
        digits = part[: len(part) - len(part.lstrip("0123456789"))]
        if not digits:
            break
        numbers.append(int(digits[:9]))
    return tuple(numbers)
