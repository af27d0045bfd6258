"""The compact form of a file that everything else works on. `summary` makes it, so that the syntax tree can be dropped.

A thousand files keep 360 MB of `ast` nodes alive, and the collector walks them again and again; the summaries take a
tenth of that. What needs the tree (arguments, handlers in detail) parses the one file again. Expressions are texts, see
`expressions`.
"""

from typing import NamedTuple

from modeldoctor.readers.source.expressions import Guard

MAIN_BLOCK = "<main>"
MODULE_BODY = "<module>"


class CallSite(NamedTuple):
    """A call in a scope. `arguments` are the texts of what is passed, by position then as `keyword=…`.

    `place`: where it stands: `` in the body, `with` as the context manager, `default` of a parameter or in its
    annotation, `decorator`. `locked`: inside a `with` block of a lock.
    """

    target: str
    line: int
    column: int
    end_line: int
    end_column: int
    guard: Guard | None
    arguments: tuple[str, ...]
    awaited: bool = False
    place: str = ""
    locked: bool = False


class Decorator(NamedTuple):
    """`@target(arguments)`; `literals` are its string arguments, e.g. the route. `called`: with parentheses."""

    target: str
    arguments: tuple[str, ...]
    literals: tuple[str, ...]
    line: int
    called: bool


class Parameter(NamedTuple):
    """A parameter with the texts of its annotation and default.

    `provider` is what stands in `= Depends(…)` or `Annotated[T, Depends(…)]`: the text of the call, `arguments` what it
    is given.
    """

    name: str
    line: int
    column: int
    annotation: str | None
    default: str | None
    arguments: tuple[str, ...]


class Scope(NamedTuple):
    """A function, method, lambda, class body or module body: code that runs together.

    `name` is dotted inside the module (`View.get`, `create_app.index`); `owner` is the class of a method, `parent` the
    enclosing function scope. `values` are the texts assigned to local names and `self.` attributes; `returned` those
    returned; `reads` the attributes that are read (a property runs code); `globals` the names declared global.
    """

    name: str
    kind: str  # function | async | lambda | class | module | main
    line: int
    end_line: int
    owner: str | None
    parent: str | None
    parameters: tuple[Parameter, ...]
    decorators: tuple[Decorator, ...]
    calls: tuple[CallSite, ...]
    values: dict[str, str]
    returned: tuple[str, ...]
    reads: frozenset[str]
    globals: frozenset[str]
    imports: dict[str, str]
    stars: tuple[str, ...]
    yield_line: int | None


class ClassDef(NamedTuple):
    """A class: texts of its bases and keywords, the names of its methods, what its attributes are assigned.

    `constants` are the attributes of the class body that are True, False or None.
    """

    name: str
    line: int
    bases: tuple[str, ...]
    keywords: tuple[tuple[str, str], ...]
    decorators: tuple[Decorator, ...]
    methods: frozenset[str]
    attributes: dict[str, str]
    constants: dict[str, str]


class Module(NamedTuple):
    """The summary of one file. `name` is dotted from its import root; relative imports are resolved against it.

    `properties` are the names of its properties.
    """

    path: str
    name: str
    is_package: bool
    scopes: dict[str, Scope]
    classes: dict[str, ClassDef]
    properties: frozenset[str]

    @property
    def body(self) -> Scope:
        """The module's own statements."""
        return self.scopes[MODULE_BODY]

    def around(self, scope: Scope) -> Scope:
        """The scope in which a function is defined: where its decorators and defaults are read."""
        return self.scopes.get(scope.parent or scope.owner or "", self.body)


def absolute(module: str, level: int, package: str, *, is_package: bool) -> str:
    """The absolute dotted name of a relative import seen in `package` (the importing module's own name)."""
    if level == 0:
        return module
    parts = package.split(".")
    drop = level - 1 if is_package else level
    kept = parts[: len(parts) - drop] if drop else parts
    return ".".join([*kept, module]) if module else ".".join(kept)
