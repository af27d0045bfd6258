"""A rule applied to a fact and to the files inside it, with one answer for what many files of a set have in common."""

from collections.abc import Iterator
from typing import Any

from modeldoctor.findings import Hit, Related, Unjudged, Where
from modeldoctor.rules.base import Context, Rule


def answers(rule: Rule, fact: Any, context: Context) -> Iterator[Hit | Unjudged]:
    """What the rule says about the fact, about the shards it consists of, and about the models packed inside it."""
    children = getattr(fact, "children", ())
    return _with_children(rule, fact, children, context) if children else rule.check(fact, context)


def _with_children(rule: Rule, fact: Any, children: tuple[Any, ...], context: Context) -> Iterator[Hit | Unjudged]:
    yield from rule.check(fact, context)
    # The shards of an index are files that the user meant; what else lies in a folder or archive was only met there.
    meant = context.explicit and fact.format == "sharded"
    inner = context._replace(part=context.part or bool(fact.tensors), explicit=meant)
    found = (_placed(answer, child) for child in children for answer in answers(rule, child, inner))
    yield from _united(found) if any(child.path != fact.path for child in children) else found


def _placed(answer: Hit | Unjudged, child: Any) -> Hit | Unjudged:
    """The answer with the place of the inner file where the rule names none."""
    if isinstance(answer, Unjudged):
        return answer._replace(path=answer.path or "!".join(filter(None, (child.path, child.member))))
    return answer if answer.where else answer._replace(where=Where(child.path, member=child.member))


def _united(found: Iterator[Hit | Unjudged]) -> Iterator[Hit | Unjudged]:
    """One hit for the same thing in several files of a set; the other places are related ones."""
    alike: dict[tuple[Any, ...], list[Hit]] = {}
    for answer in found:
        if isinstance(answer, Unjudged):
            yield answer
        else:
            alike.setdefault((answer.key, answer.severity), []).append(answer)
    for first, *others in alike.values():
        yield first._replace(
            related=(*first.related, *(Related(hit.where, hit.message) for hit in others if hit.where))
        )
