"""How the file that is loaded is named, and whether a client of the service has a say in it."""

import ast
import re
from collections.abc import Iterator

from modeldoctor.facts.source import FileName, Span
from modeldoctor.readers.source.detail.trees import Found, Page, Pages, span_of
from modeldoctor.readers.source.expressions import text_of
from modeldoctor.readers.source.loads import LoadSite
from modeldoctor.readers.source.names import Names
from modeldoctor.readers.source.syntax import Module, Parameter, Scope

# Keywords under which loaders take the file or name, after the first position.
_FILE_KEYWORDS = ("f", "path", "filename", "file", "fname", "model_path", "checkpoint_path", "model_file", "weights",
                  "pretrained_model_name_or_path", "model", "model_name_or_path", "repo_or_dir", "path_or_bytes",
                  "url", "checkpoint")  # fmt: skip
_BESIDE = re.compile(r"__file__|BASE_DIR|BASE_PATH|ROOT_DIR|PROJECT_ROOT|root_path|\bROOT\b|\bHERE\b|parents?\b|"
                     r"MEDIA_ROOT|STATIC_ROOT|model_dir|importlib|resources|files\b|getcwd|cwd\b")  # fmt: skip
_ENVIRONMENT = re.compile(r"environ|getenv|settings|config|args\b|Config\b|env\b|options|cfg|opt\b", re.IGNORECASE)
# What a request carries, in the frameworks' words.
_REQUEST = re.compile(
    r"^(?:flask\.|self\.)?(?:request|req)\.(?:args|form|json|values|files|data|GET|POST|FILES|query_params|path_params|"
    r"get_json|get|headers|cookies|body|query|match_info|get_argument|media|params)\b"
    r"|^self\.get_(?:query_|body_)?argument\b"
)
MAX_EXPRESSION = 6  # names followed from one another


def file_of(site: LoadSite, found: Found, pages: Pages, names: Names) -> FileName:
    """How the file of one load is named: its first argument, followed through names, and parameters up the chain."""
    assert isinstance(found.node, ast.Call)
    expression = _argument(found.node)
    module = pages.project.module(site.path)
    if expression is None or module is None:
        return FileName("unknown")
    return _named(expression, found.around.scope, module, site, len(site.chain), pages, names)


def _argument(call: ast.Call) -> ast.expr | None:
    if call.args:
        return call.args[0]
    for name in _FILE_KEYWORDS:
        for keyword in call.keywords:
            if keyword.arg == name:
                return keyword.value
    return next((keyword.value for keyword in call.keywords if keyword.arg is None), None)


def _named(
    expression: ast.expr, scope: Scope, module: Module, site: LoadSite, depth: int, pages: Pages, names: Names
) -> FileName:
    page = pages.page(module.path)
    assigned = _assignments(page, scope) if page is not None else {}
    globals_ = _assignments(page, module.body) if page is not None else {}
    # a request under another name, `payload: Request`
    requests = {each.name for each in scope.parameters if (each.annotation or "").rpartition(".")[2] == "Request"}
    seen: set[str] = set()
    pending = [expression]
    texts: list[str] = []
    while pending and len(seen) < MAX_EXPRESSION * 4:
        current = pending.pop()
        for node in ast.walk(current):
            text = text_of(node) if isinstance(node, ast.Name | ast.Attribute | ast.Call | ast.Subscript) else ""
            head, dot, rest = text.partition(".")
            text = f"request.{rest}" if dot and head in requests else text
            if (
                _REQUEST.match(text)
                and site.when in {"per_request", "background", "lazy"}
                and (page is None or _not_checked(page, scope, text))
            ):
                told = text.replace("()", "").removesuffix("[]")
                return FileName("client", "", span_of(module.path, node), f"`{told}`")
            if field := _body_field(node, scope, module, site, depth, names):
                return FileName("client", "", span_of(module.path, node), f"`{field}`")
            texts.append(text)
            if isinstance(node, ast.Name) and node.id not in seen:
                seen.add(node.id)
                given = [each for each in scope.parameters if each.name == node.id and node.id not in assigned]
                parameter = given[0] if given else None
                if parameter is not None and node.id not in {"self", "cls"}:
                    filled = _parameter(parameter, scope, module, site, depth, pages, names)
                    if filled is not None:
                        return filled
                elif node.id in assigned:
                    pending.append(assigned[node.id])
                elif node.id in globals_:
                    pending.append(globals_[node.id])
            if isinstance(node, ast.Subscript) and isinstance(node.value, ast.Name) and node.value.id in globals_:
                return FileName("unknown")  # one of those that a table names
    literal = _literal(expression, assigned, globals_)
    return _form(literal, " ".join(texts))


def _form(literal: str | None, text: str) -> FileName:
    if literal is not None:
        if re.match(r"[a-z][a-z0-9+.-]*://", literal):
            return FileName("name", literal)
        return FileName("absolute" if literal.startswith(("/", "\\")) or literal[1:2] == ":" else "relative", literal)
    if _BESIDE.search(text):
        return FileName("beside")
    if _ENVIRONMENT.search(text):
        return FileName("environment")
    return FileName("unknown")


def _literal(
    node: ast.expr, assigned: dict[str, ast.expr], globals_: dict[str, ast.expr], depth: int = 0
) -> str | None:
    """The text of an expression that is made of literals only."""
    if depth > MAX_EXPRESSION:
        return None
    match node:
        case ast.Constant(value=str(text)):
            return text
        case ast.Name(id=name):
            value = assigned.get(name) or globals_.get(name)
            return _literal(value, assigned, globals_, depth + 1) if value is not None else None
        case ast.Call(func=ast.Name(id="str" | "Path" | "PurePath"), args=[inner]):
            return _literal(inner, assigned, globals_, depth + 1)
        case ast.Call(func=function, args=parts) if (
            text_of(function) in {"os.path.join", "path.join", "join"} and parts
        ):
            texts = [_literal(part, assigned, globals_, depth + 1) for part in parts]
            return "/".join(text for text in texts if text is not None) if None not in texts else None
        case ast.BinOp(left=left, op=ast.Div() | ast.Add() as operator, right=right):
            first = _literal(left, assigned, globals_, depth + 1)
            second = _literal(right, assigned, globals_, depth + 1)
            between = "/" if isinstance(operator, ast.Div) else ""
            return f"{first}{between}{second}" if first is not None and second is not None else None
        case _:
            return None


def _assignments(page: Page, scope: Scope) -> dict[str, ast.expr]:
    found: dict[str, ast.expr] = {}
    for each in page.within(scope, ast.Assign, ast.AnnAssign):
        node = each.node
        targets = (
            node.targets if isinstance(node, ast.Assign) else [node.target] if isinstance(node, ast.AnnAssign) else []
        )
        value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        for target in targets:
            if isinstance(target, ast.Name) and value is not None:
                found.setdefault(target.id, value)
    return found


def _not_checked(page: Page, scope: Scope, text: str) -> bool:
    """Whether nothing in the function compares it with what is allowed."""
    name = text.replace("()", "").removesuffix("[]")
    for each in page.within(scope, ast.Compare):
        node = each.node
        tested = text_of(node.left) if isinstance(node, ast.Compare) else ""
        limits = isinstance(node, ast.Compare) and isinstance(node.ops[0], ast.In | ast.NotIn | ast.Eq)
        if limits and (name in tested.replace("()", "") or tested == text):
            return False
    return True


def _parameter(
    parameter: Parameter, scope: Scope, module: Module, site: LoadSite, depth: int, pages: Pages, names: Names
) -> FileName | None:
    """What a parameter is given: by a client when a framework fills it, else by the caller, else its default."""
    if depth == 0 or (depth > 0 and site.chain[depth - 1].target.startswith("Depends(")):
        return _given_by_client(parameter, scope, module, site, depth, pages, names)
    step = site.chain[depth - 1]
    caller = pages.call(step.path, step.line, step.column, step.end)
    other = pages.project.module(step.path)
    if caller is None or other is None or not isinstance(caller.node, ast.Call):
        return None
    position = [each.name for each in scope.parameters if each.name not in {"self", "cls"}].index(parameter.name)
    value: ast.expr | None = None
    if len(caller.node.args) > position:
        value = caller.node.args[position]
    for keyword in caller.node.keywords:
        if keyword.arg == parameter.name:
            value = keyword.value
    if value is None:
        return _default(parameter, scope, pages, module)
    return _named(value, caller.around.scope, other, site, depth - 1, pages, names)


def _default(parameter: Parameter, scope: Scope, pages: Pages, module: Module) -> FileName | None:
    value = _default_node(parameter, scope, pages, module)
    if value is None:
        return None
    page = pages.page(module.path)
    globals_ = _assignments(page, module.body) if page is not None else {}
    return _form(_literal(value, {}, globals_), " ".join(text_of(node) for node in ast.walk(value)))


def _default_node(parameter: Parameter, scope: Scope, pages: Pages, module: Module) -> ast.expr | None:
    page = pages.page(module.path)
    for found in page.each(ast.FunctionDef, ast.AsyncFunctionDef) if page is not None else ():
        node = found.node
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.lineno == scope.line:
            arguments = [*node.args.posonlyargs, *node.args.args]
            pairs = [*zip(reversed(arguments), reversed(node.args.defaults), strict=False)]
            pairs += [(a, d) for a, d in zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True) if d is not None]
            return next((default for argument, default in pairs if argument.arg == parameter.name), None)
    return None


# Where FastAPI takes a parameter from, when its default says so.
_DECLARED = frozenset({"Query()", "Path()", "Body()", "Form()", "Header()", "Cookie()"})
# Types that FastAPI fills in itself; other parameters of a handler or dependency come from the request.
_INJECTED = re.compile(r"Request|Response|WebSocket|BackgroundTasks|SecurityScopes|HTTPConnection|UploadFile")


def _given_by_client(
    parameter: Parameter, scope: Scope, module: Module, site: LoadSite, depth: int, pages: Pages, names: Names
) -> FileName | None:
    """FastAPI fills parameters from path, query and body; Flask and Django from the route."""
    entry = site.entry
    if entry is None or entry.context not in {"request", "background"} or site.when not in {"per_request", "lazy"}:
        return None
    page = pages.page(module.path)
    if page is not None and not _not_checked(page, scope, parameter.name):
        return FileName("unknown")
    injected = parameter.annotation is not None and _INJECTED.search(parameter.annotation)
    if _limited(parameter, module, scope, names):
        return FileName("unknown")
    if parameter.name in {"self", "cls", "request", "req"} or injected:
        return None
    where = Span(module.path, parameter.line, parameter.column)
    declared = (parameter.default or "").rpartition(".")[2]
    filled = not declared.endswith("()") or declared in _DECLARED
    if entry.framework == "fastapi" and filled and names.dependency(parameter, module, scope) is None:
        return FileName("client", "", where, f"the parameter `{parameter.name}`")
    if entry.framework in {"flask", "django"} and depth == 0 and parameter.default is None:
        return FileName("client", "", where, f"the route's `{parameter.name}`")
    return _default(parameter, scope, pages, module)


def _body_field(node: ast.AST, scope: Scope, module: Module, site: LoadSite, depth: int, names: Names) -> str:
    """`body.model_name`, where the body is a pydantic model and the field a plain string."""
    if (
        depth
        or site.when != "per_request"
        or not isinstance(node, ast.Attribute)
        or not isinstance(node.value, ast.Name)
    ):
        return ""
    parameter = next((each for each in scope.parameters if each.name == node.value.id), None)
    symbol = names.resolve(parameter.annotation or "", module, scope) if parameter is not None else None
    if symbol is None or symbol.kind != "class":
        return ""
    known = names.class_of(symbol)
    pydantic = any(base.name.startswith("pydantic.") for base in names.bases(symbol) if base.kind == "external")
    declared = known[1].attributes.get(node.attr, "") if known is not None else ""
    return f"{node.value.id}.{node.attr}" if pydantic and declared.startswith(("str", "Optional")) else ""


def _limited(parameter: Parameter, module: Module, scope: Scope, names: Names) -> bool:
    """Whether the type leaves no free choice: a number, a literal, an enumeration."""
    if (parameter.annotation or "").rpartition(".")[2] in {"int", "float", "bool", "Literal", "Literal[]", "UUID"}:
        return True
    symbol = names.resolve(parameter.annotation or "", module, module.around(scope))
    if symbol is None or symbol.kind != "class":
        return False
    return any("Enum" in base.name for base in names.bases(symbol) if base.kind == "external")


def keywords(call: ast.Call) -> Iterator[tuple[str, ast.expr]]:
    """The named arguments of a call, with those of a literal `**{…}`."""
    for keyword in call.keywords:
        if keyword.arg is not None:
            yield keyword.arg, keyword.value
        elif isinstance(keyword.value, ast.Dict):
            for key, value in zip(keyword.value.keys, keyword.value.values, strict=True):
                if isinstance(key, ast.Constant) and isinstance(key.value, str):
                    yield key.value, value
