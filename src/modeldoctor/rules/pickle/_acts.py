"""What unpickling does besides building data: the calls that are dangerous, and those that nobody knows."""

import re
from collections.abc import Iterator
from typing import Literal, NamedTuple

from modeldoctor.facts.checkpoint import Call, Checkpoint, Pickle
from modeldoctor.predict.globals import is_torch_class, judge, reaches_outside
from modeldoctor.rules.base import Context
from modeldoctor.rules.pickle._uses import LOAD_FROM_BYTES, Use, inert, streams, uses_of

# Patterns are texts: most files need none of them, and compiling one costs more than judging a file.
# What makes types and code objects of cloudpickle and dill; and what makes classes of them, which are instantiated.
_CODE_TYPES = r"\.(_builtin_type\('[A-Z]\w*'\)|_load_type\('\w+'\))$"
_CLASS_MAKERS = r"\.(_make_skeleton_class|_make_skeleton_enum|_make_skel_class|_create_type|_create_namedtuple)\("
# Names in the arguments of `getattr`; the attribute is one of them, and a long owner is cut.
_QUOTED = r"'(\w+)'"
# What dill sets on the classes that it rebuilds.
_LABELLED = r".*, '__(?:qualname|name|module|doc)__', (?:'[^']*'|None)"
# What a partial calls; pandas pickles its blocks as partials.
_PARTIAL = r"functools\.partial\(([\w.]+)[,)]"
_COMPUTED = "is a callable that the pickle computes, as no saved model does"
# Packages whose ufuncs NumPy before 1.20 pickles by module and name.
_UFUNCS = r"'(numpy|scipy)[\w.]*', '\w+'"
_UNNEEDED = {
    "stdlib": "is a function of the standard library that no saved model needs",
    "torch": "is a function of torch that no saved model needs",
    "numpy": "is a function of NumPy that no saved model needs",
}


class Act(NamedTuple):
    """One thing that happens while the file is unpickled.

    `level`: `runs` (dangerous), `names` (dangerous if anything calls it, which the pickle does not), `unclear`.
    `text` is the call with its arguments, `words` continue "which …", `full` is the global behind it.
    """

    level: Literal["runs", "names", "unclear"]
    verb: str
    text: str
    words: str
    full: str
    member: str | None
    byte: int


def acts(checkpoint: Checkpoint, context: Context) -> list[Act]:
    """Everything of the kind in all pickles, the worst first."""
    found = [
        act
        for pickle in streams(checkpoint)
        for act in _of_stream(pickle, uses_of(pickle, context))
        if act.level == "runs" or pickle.role != "misread"
    ]
    order = {"runs": 0, "names": 1, "unclear": 2}
    return sorted(dict.fromkeys(found), key=lambda act: order[act.level])


def inert_acts(checkpoint: Checkpoint, context: Context) -> list[Act]:
    """What pickles among the bytes of the file would run, if something loaded them."""
    found = [act for pickle in inert(checkpoint) for act in _of_stream(pickle, uses_of(pickle, context))]
    return [act for act in dict.fromkeys(found) if act.level == "runs"]


def _of_stream(pickle: Pickle, found: list[Use]) -> Iterator[Act]:
    plain = {str(use.entry): use for use in found}
    calls: dict[str, list[Call]] = {}
    computed = []
    for call in pickle.calls:
        if call.target in plain:
            calls.setdefault(call.target, []).append(call)
        elif _is_expression(call.target, plain):
            computed.append(call)
    calls_given = bool(computed) or any(map(_calls_what_it_is_given, found))
    for call in computed:
        yield from _of_computed(pickle, call, plain)
    for full, use in plain.items():
        if use.judgement.kind == "resolver":
            yield from (act for call in calls.get(full, ()) for act in _of_resolver(use, call))
        else:
            yield from _of_use(use, calls.get(full, []), calls_given=calls_given)


def _calls_what_it_is_given(use: Use) -> bool:
    """Whether this call may call a function that is among its arguments. Constructors may: observers, `LambdaLR`."""
    if use.way != "called" or use.full == LOAD_FROM_BYTES:
        return False
    return use.judgement.kind in {"caller", "unclear"} or is_torch_class(use.module, use.name)


def _is_expression(target: str, plain: dict[str, Use]) -> bool:
    """Whether a callee is more than a name: names with odd characters are written differently in the text of a call."""
    return any(mark in target for mark in "('\"[{") or _root(target, plain) is not None


def _root(target: str, plain: dict[str, Use]) -> Use | None:
    """The longest global that the text of a callee begins with, up to a dot or a parenthesis."""
    parts = target.partition("(")[0].split(".")
    names = (".".join(parts[:end]) for end in range(len(parts), 1, -1))
    return next((plain[name] for name in names if name in plain), None)


def _of_use(use: Use, calls: list[Call], *, calls_given: bool) -> Iterator[Act]:
    kind, words = use.judgement
    if kind == "dangerous":
        words = words or _UNNEEDED.get(use.origin.owner, "")
    if "built" in use.entry.uses and use.way == "named":
        yield _act("runs", "changes", use, "is shared by the whole process: the pickle sets its attributes")
    elif kind == "dangerous" and use.way == "named":
        handed = f"{words}, and hands it to something that calls what it is given"
        yield _act("runs", "names", use, handed) if calls_given else _act("names", "names", use, words)
    elif kind in {"dangerous", "unclear"}:
        level: Literal["runs", "unclear"] = "runs" if kind == "dangerous" else "unclear"
        verb = "runs" if calls or use.way == "called" else "makes an instance of"
        for call in calls or (None,):
            yield _act(level, verb, use, words, call)
    elif use.full == LOAD_FROM_BYTES and calls and not use.pickle.nested:
        yield _act("unclear", "runs", use, "loads a checkpoint out of bytes that could not be read", calls[0])
    elif kind == "named" and calls_given and judge(use.module, use.name, "called")[0] == "dangerous":
        # Only what is known to have an effect: activations (`torch.nn.functional.relu`) are handed around all the time.
        effect = judge(use.module, use.name, "called").words
        if effect:
            yield _act("unclear", "names", use, f"{effect}, and hands it to something that calls what it is given")


def _of_resolver(use: Use, call: Call) -> Iterator[Act]:
    """`getattr(owner, 'name')` and its kin: harmless unless the name leads out of the object."""
    if use.name == "setattr":
        if not re.fullmatch(_LABELLED, call.arguments, re.DOTALL):
            yield _act("runs", "runs", use, use.judgement.words, call)
    elif use.name == "_ufunc_reconstruct":
        if not re.match(_UFUNCS, call.arguments):
            yield _act("runs", "runs", use, "imports any module and returns what is in it", call)
    elif not (names := re.findall(_QUOTED, call.arguments)):
        yield _act("unclear", "runs", use, "reads an attribute whose name is computed", call)
    elif reached := next(filter(None, map(reaches_outside, names)), None):
        yield _act("runs", "runs", use, f"reaches `{reached}` from inside an object", call)


def _of_computed(pickle: Pickle, call: Call, plain: dict[str, Use]) -> Iterator[Act]:
    """A call of something that the pickle made or fetched itself."""
    if re.search(_CODE_TYPES, call.target):
        return
    level, words, full = _judge_computed(call.target, plain)
    if level is not None:
        yield Act(
            level, "runs", f"{call.target}({call.arguments})", words, full, pickle.member, pickle.offset + call.position
        )


Verdict = tuple[Literal["runs", "unclear"] | None, str, str]


def _judge_computed(target: str, plain: dict[str, Use]) -> Verdict:
    """The level of a computed callee, from the global that its text begins with and what follows."""
    partial = re.match(_PARTIAL, target)
    if partial and partial[1] in plain:
        return _judge_function(plain[partial[1]])
    root = _root(target, plain)
    if root is None:
        return "runs", _COMPUTED, ""
    rest = target[len(str(root.entry)) :]
    kind, words = root.judgement
    if kind == "dangerous":
        return "runs", words or _UNNEEDED.get(root.origin.owner, ""), root.full
    if rest[0] == "." and "(" not in rest:  # a method of a class, fetched by getattr
        return _judge_function(root, rest)
    if kind == "code" and re.search(_CLASS_MAKERS, target):
        return "unclear", "is a class whose code the file holds", root.full
    if kind == "code":
        return "runs", "runs bytecode that the file holds", root.full
    if root.origin.owner in {"project", "package", "main"}:
        return "unclear", "", root.full
    return "runs", _COMPUTED, root.full


def _judge_function(use: Use, attribute: str = "") -> Verdict:
    """The same for a function that is called by another name, or for a method of a class."""
    kind, words = judge(use.module, use.name + attribute, "called")
    if kind == "dangerous":
        return "runs", words or _UNNEEDED.get(use.origin.owner, ""), use.full + attribute
    return ("unclear" if kind == "unclear" else None), words, use.full + attribute


def _act(level: Literal["runs", "names", "unclear"], verb: str, use: Use, words: str, call: Call | None = None) -> Act:
    text = f"{use.full}({call.arguments})" if call else use.full
    position = call.position if call else use.entry.position
    return Act(level, verb, text, words, use.full, use.pickle.member, use.pickle.offset + position)
