"""Expressions as text, in a small normal form, and what the tests of `if` statements say.

`a.b.c` as written, a call as `a.b()`, a subscript as `a[]`, `getattr(a, name)` as `a.<any>`, anything else `?`.
"""

import ast
from typing import NamedTuple

MAX_DEPTH = 12  # of one expression's text: longer chains exist only in generated code

# Texts that say nothing about what a name stands for.
UNTELLING = frozenset({"?", "None", "True", "False"})


class Guard(NamedTuple):
    """A test that lets code run once: `subjects` are what is tested (`_model`, `self.net`, `cache[]`), `line` where."""

    subjects: tuple[str, ...]
    line: int


def text_of(node: ast.AST | None, depth: int = 0) -> str:
    """The normal-form text of an expression; `?` for what is not a chain of names, calls and subscripts."""
    if isinstance(node, ast.Name):
        return node.id
    if depth > MAX_DEPTH:
        return "?"
    if isinstance(node, ast.Attribute):
        return f"{text_of(node.value, depth + 1)}.{node.attr}"
    match node:
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, ast.Constant(value=str(name)), *_]):
            return f"{text_of(owner, depth + 1)}.{name}"
        case ast.Call(func=ast.Name(id="getattr"), args=[owner, _, *_]):
            return f"{text_of(owner, depth + 1)}.<any>"
        case ast.Call(func=function):
            return f"{text_of(function, depth + 1)}()"
        case ast.Subscript(value=value):
            return f"{text_of(value, depth + 1)}[]"
        case ast.Await(value=value) | ast.NamedExpr(value=value) | ast.Starred(value=value):
            return text_of(value, depth + 1)
        case ast.Constant(value=bool() | None as value):
            return str(value)
        case ast.Lambda(lineno=line, col_offset=column):
            return f"<lambda:{line}:{column}>"
        case ast.IfExp(body=body, orelse=orelse):
            first = text_of(body, depth + 1)
            return first if first not in UNTELLING else text_of(orelse, depth + 1)
        case ast.BoolOp(values=values):
            texts = [text_of(value, depth + 1) for value in values]
            return next((text for text in reversed(texts) if text not in UNTELLING), "?")
        case _:
            return "?"


_CHILDREN: dict[type[ast.AST], tuple[str, ...]] = {}
# Fields that hold no expression: whether something is read or written, and which operator it is.
_NO_CHILDREN = frozenset({"ctx", "op", "ops", "kind", "type_comment", "id", "attr", "arg", "n", "s", "conversion"})


def children(node: ast.AST) -> list[ast.AST]:
    """The expressions directly inside one, in order: `ast.iter_child_nodes` in a third of the time."""
    fields = _CHILDREN.get(type(node))
    if fields is None:
        fields = _CHILDREN[type(node)] = tuple(name for name in node._fields if name not in _NO_CHILDREN)
    found: list[ast.AST] = []
    for name in fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            found.append(value)
        elif isinstance(value, list):
            found += [each for each in value if isinstance(each, ast.AST)]
    return found


def passed(node: ast.Call) -> tuple[str, ...]:
    """The texts of what a call is given: by position, then as `keyword=…`.

    The members of a list, tuple or dict given by position are `[]=…`, so that positions hold.
    """
    texts = []
    for argument in node.args:
        texts.append(text_of(argument))
        texts += [f"[]={text}" for text in _members(argument)]
    for keyword in node.keywords:
        name = keyword.arg or "**"
        texts += [f"{name}={text}" for text in _members(keyword.value) or (text_of(keyword.value),)]
    return tuple(texts)


def _members(node: ast.expr) -> list[str]:
    match node:
        case ast.List(elts=members) | ast.Tuple(elts=members) | ast.Set(elts=members) | ast.Dict(values=members):
            return [text for member in members[:100] if (text := text_of(member)) not in UNTELLING]
        case _:
            return []


def annotation_text(node: ast.expr | None) -> str:
    """The class an annotation names: `Optional[Model]`, `"Model"` and `Model | None` are `Model`."""
    match node:
        case ast.Constant(value=str(text)) if text.replace(".", "").isidentifier():
            return text
        case ast.Subscript(value=value, slice=inner):
            name = text_of(value).rpartition(".")[2]
            if name in {"Optional", "Final", "ClassVar", "Type", "type"}:
                return annotation_text(inner)
            if name == "Annotated" and isinstance(inner, ast.Tuple) and inner.elts:
                return annotation_text(inner.elts[0])
            return text_of(value)
        case ast.BinOp(left=left, right=right):
            return annotation_text(left) if text_of(left) != "None" else annotation_text(right)
        case _:
            return text_of(node)


def is_main_test(test: ast.expr) -> bool:
    """`__name__ == "__main__"`, either way round."""
    match test:
        case ast.Compare(left=ast.Name(id="__name__"), ops=[ast.Eq()], comparators=[ast.Constant(value="__main__")]):
            return True
        case ast.Compare(left=ast.Constant(value="__main__"), ops=[ast.Eq()], comparators=[ast.Name(id="__name__")]):
            return True
        case _:
            return False


def leaves(body: list[ast.stmt]) -> bool:
    """Whether a block ends the function or the loop round."""
    return bool(body) and isinstance(body[-1], ast.Return | ast.Continue | ast.Raise)


def missing_test(test: ast.expr) -> Guard | None:
    """What is absent when the test holds: `m is None`, `not m`, `k not in cache`, `not hasattr(self, "m")`."""
    match test:
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=None | False)]):
            return _guard(test, text_of(left))
        case ast.Compare(left=left, ops=[ast.NotEq() | ast.IsNot()], comparators=[right]):
            return _guard(test, text_of(left), text_of(right))  # `if loaded_name != name:`, one slot for several
        case ast.Compare(ops=[ast.NotIn()], comparators=[container]):
            return _guard(test, f"{text_of(container)}[]")
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return present_test(operand)
        case ast.BoolOp(values=values):
            return _any(test, [missing_test(value) for value in values])
        case _:
            return None


def present_test(test: ast.expr) -> Guard | None:
    """What is there when the test holds: `m is not None`, `m`, `k in cache`, `hasattr(self, "m")`."""
    match test:
        case ast.Compare(left=left, ops=[ast.IsNot() | ast.NotEq()], comparators=[ast.Constant(value=None | False)]):
            return _guard(test, text_of(left))
        case ast.Compare(left=left, ops=[ast.Is() | ast.Eq()], comparators=[ast.Constant(value=True)]):
            return _guard(test, text_of(left))
        case ast.Compare(left=left, ops=[ast.Eq()], comparators=[right]):
            return _guard(test, text_of(left), text_of(right))
        case ast.Compare(ops=[ast.In()], comparators=[container]):
            return _guard(test, f"{text_of(container)}[]")
        case ast.UnaryOp(op=ast.Not(), operand=operand):
            return missing_test(operand)
        case ast.Call(func=ast.Name(id="hasattr"), args=[owner, ast.Constant(value=str(name))]):
            return _guard(test, f"{text_of(owner)}.{name}")
        case ast.Call(func=ast.Name(id="len" | "bool" | "any"), args=[container]):
            return _guard(test, f"{text_of(container)}[]", text_of(container))
        case ast.Call(func=ast.Attribute(value=container, attr="get")):
            return _guard(test, f"{text_of(container)}[]")
        case ast.Name() | ast.Attribute() | ast.Subscript() | ast.NamedExpr() | ast.Call():
            return _guard(test, text_of(test))
        case ast.BoolOp(op=ast.And(), values=values):
            return _any(test, [present_test(value) for value in values])
        case _:
            return None


def _guard(test: ast.expr, *texts: str) -> Guard | None:
    subjects = tuple(text for text in texts if "?" not in text and text not in UNTELLING)
    return Guard(subjects, test.lineno) if subjects else None


def _any(test: ast.expr, guards: list[Guard | None]) -> Guard | None:
    subjects = tuple(subject for guard in guards if guard for subject in guard.subjects)
    return Guard(subjects, test.lineno) if subjects else None


def cache_read(body: list[ast.stmt]) -> str | None:
    """The text of what a short `try` body reads, when that is all it does."""
    if len(body) != 1:
        return None
    value = getattr(body[0], "value", None)
    text = text_of(value) if isinstance(value, ast.expr) else "?"
    return None if "?" in text or "(" in text else text
