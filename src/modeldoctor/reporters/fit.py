"""Whether it fits, for a person: the terms, a bar for each GPU, what else would fit, and the verdict."""

from modeldoctor.facts.memory import Memory, Need, Range, Term
from modeldoctor.predict.memory.loading import CODE
from modeldoctor.reporters.blocks import LABEL_WIDTH, labelled
from modeldoctor.reporters.text import Line, line, many
from modeldoctor.wording import count, memory

STYLES = {"fits": "good", "tight": "warning", "does not fit": "error", "unknown": "info"}
TERM_WIDTH = 26
NUMBER_WIDTH = 11
BAR_WIDTH = 32
# From here on a column of assumptions stands beside the figures.
WIDE = 110
_HANG = LABEL_WIDTH + 2


def lines(found: Memory, *, width: int, verbose: bool) -> list[Line]:
    """The lines of the report."""
    sections = [_subject(found), *_devices(found, width, verbose=verbose), _answers(found), _host(found), _notes(found)]
    rows = [row for section in sections if section for row in [*section, line()]]
    return [*rows, _verdict(found)]


def ways() -> list[Line]:
    """The ways of loading that have a name, with what they are in code."""
    widest = max(map(len, CODE))
    return [line((f"{name:<{widest}}", "bold"), f"  {code}", hang=widest + 2) for name, code in CODE.items()]


# --------------------------------------------------------------------------- the model


def _subject(found: Memory) -> list[Line]:
    serving = found.serving
    facts = [f"{many(found.parameters)} parameters", f"{memory(found.weights_bytes)} in {found.dtype}"]
    served = [count(serving.processes, "worker")]
    if serving.copies > 1:
        served.append(f"{serving.copies} models in each")
    shape = f"batch {serving.batch:,}"
    served.append(f"{shape} of {serving.context:,} tokens" if serving.context else shape)
    if serving.placement != "first" and serving.gpus and len(serving.gpus) > 1:
        where = "one model split over" if serving.placement == "split" else "taking turns on"
        served.append(f"{where} {len(serving.gpus)} GPUs")
    assumed = " (assumed; --load names another way)" if found.load_assumed else ""
    rows = [
        line((found.path, "bold"), wrap=False),
        labelled("model", ", ".join(facts)),
        labelled("serving", ", ".join(served)),
        labelled("loaded as", f"{found.load.name}{assumed}"),
    ]
    if found.optimizer_bytes:
        rows.append(
            labelled("left out", f"{memory(found.optimizer_bytes)} of optimizer state, which is loaded but not served")
        )
    if found.kv_bytes_per_token:
        rows.append(labelled("cache", f"{memory(found.kv_bytes_per_token)} per token"))
    return rows + [labelled("problem", text) for text in found.problems]


# --------------------------------------------------------------------------- GPUs


def _devices(found: Memory, width: int, *, verbose: bool) -> list[list[Line]]:
    if found.catalogue:
        return [_table("one worker", _typical(found.catalogue), width, verbose=verbose), _catalogue(found, width)]
    sections = []
    told: list[tuple[Term, ...]] = []
    used = [need for need in found.devices if need.processes]
    for need in used:
        if need.terms not in told:
            told.append(need.terms)
            title = f"each worker on {need.name}" if need.processes > 1 else f"memory of {need.name}"
            sections.append(_table(title, need, width, verbose=verbose))
    if found.devices:
        alike = _alike(found.devices)
        sections.append([_bar_line(need, width, _names(alike)) for need in alike])
    return sections


def _alike(needs: tuple[Need, ...]) -> tuple[Need, ...]:
    """GPUs with the same sum as one line: `H100-80GB 0 to 7`."""
    groups: list[list[Need]] = []
    for need in needs:
        if groups and groups[-1][0]._replace(name="") == need._replace(name=""):
            groups[-1].append(need)
        else:
            groups.append([need])
    return tuple(
        first._replace(name=f"{first.name} to {others[-1].name.rpartition(' ')[2]}") if others else first
        for first, *others in groups
    )


def _typical(needs: tuple[Need, ...]) -> Need:
    """The GPU whose terms stand for all: the largest ones have a larger context."""
    return next((need for need in needs if need.name == "A10G"), needs[0])


def _table(title: str, need: Need, width: int, *, verbose: bool) -> list[Line]:
    """The terms of one process, and of the GPU as a whole, then what they come to."""
    head = f"{title:<{TERM_WIDTH}}"
    rows = [line((head, "bold"), (f"{'low':>{NUMBER_WIDTH}}{'likely':>{NUMBER_WIDTH}}{'high':>{NUMBER_WIDTH}}", "dim"))]
    several = need.processes > 1
    for term in need.each:
        rows += _term(term, width, verbose=verbose)
    rows += [_sum("one worker", need.per_process)] if several else []
    for term in need.once:
        rows += _term(term, width, verbose=verbose)
    return [*rows, _sum(f"{need.processes} workers" if several else "together", need.total)]


def _term(term: Term, width: int, *, verbose: bool) -> list[Line]:
    """Its figures, and what they rest on where there is room or nothing is known."""
    style = "" if term.likely is not None else "info"
    row = (f"  {term.term:<{TERM_WIDTH - 2}}", style), _cells(term.low, term.likely, term.high)
    indent = TERM_WIDTH + 3 * NUMBER_WIDTH + 2
    if width >= WIDE:
        return [line(*row, (f"  {term.assumption}", "dim"), hang=indent), *_source(term, verbose=verbose)]
    told = term.assumption and (verbose or term.likely is None)
    more = [line((f"    {term.assumption}", "dim"), hang=4)] if told else []
    return [line(*row), *more, *_source(term, verbose=verbose)]


def _cells(*sizes: int | None) -> str:
    return "".join(f"{_amount(size):>{NUMBER_WIDTH}}" for size in sizes)


def _source(term: Term, *, verbose: bool) -> list[Line]:
    return [line((f"    source: {term.source}", "dim"), hang=12)] if verbose else []


def _sum(label: str, summed: Range) -> Line:
    return line((f"  {label:<{TERM_WIDTH - 2}}{_cells(summed.low, summed.likely, summed.high)}", "bold"))


def _amount(size: int | None) -> str:
    return "?" if size is None else memory(size) if size else "0"


def _names(needs: tuple[Need, ...]) -> int:
    return max(len(need.name) for need in needs)


def _bar_line(need: Need, width: int, names: int) -> Line:
    """`A10G  ━━━━━━━│━━━━━━━╌╌────  15.9 of 22.5 GiB  fits`."""
    if need.budget_bytes is None:
        return line(
            f"  {need.name:<{names}}  ", (need.verdict, STYLES[need.verdict]), f": {need.reason}", hang=names + 4
        )
    likely = need.total.known if need.processes else 0
    unknown = " + ?" if need.total.likely is None and need.processes else ""
    text = f"{_amount(likely)}{unknown} of {memory(need.budget_bytes)}"
    length = max(10, min(BAR_WIDTH, width - names - 44))
    verdict = (need.verdict, STYLES[need.verdict]) if need.processes else ("unused", "dim")
    return line(f"  {need.name:<{names}}  ", *_bar(need, length), f"  {text:<24}  ", verdict)


def _bar(need: Need, length: int) -> list[tuple[str, str]]:
    """One stretch for each worker, then what the upper bound adds, then what is left."""
    budget = need.budget_bytes or 1
    each = need.per_process.known
    spans: list[tuple[str, str]] = []
    used = 0
    ends = [min(length, round(length * each * (number + 1) / budget)) for number in range(min(need.processes, length))]
    for number, end in enumerate(ends):
        cells = max(0, end - used)
        if not cells:
            continue
        mark = "━" * cells if number == len(ends) - 1 or cells < 2 else "━" * (cells - 1) + "│"
        spans.append((mark, STYLES[need.verdict] if need.verdict == "does not fit" else "bar"))
        used = end
    high = need.total.high if need.total.high is not None else budget
    more = max(0, min(length, round(length * high / budget)) - used) if need.processes else 0
    return [
        *spans,
        ("╌" * more, "warning" if need.verdict == "tight" else "dim"),
        ("─" * (length - used - more), "dim"),
    ]


def _catalogue(found: Memory, width: int) -> list[Line]:
    """The common GPUs and their verdicts."""
    workers = f", {found.serving.processes} workers" if found.serving.processes > 1 else ""
    rows = [line((f"on common GPUs{workers}", "bold"), ("  (--gpu NAME judges one)", "dim"))]
    names = _names(found.catalogue)
    rows += [_bar_line(need, width, names) for need in found.catalogue]
    if found.smallest:
        rows.append(line(f"  the smallest that fits is {found.smallest}"))
    return rows


# --------------------------------------------------------------------------- what else


def _answers(found: Memory) -> list[Line]:
    rows = []
    used = [need for need in found.devices if need.processes and need.budget_bytes is not None]
    if used and all(need.most_processes is not None for need in used) and found.serving.placement != "split":
        most = min(need.most_processes or 0 for need in used)
        where = f" on {'each GPU' if len(used) > 1 else used[0].name}"
        rows.append(labelled("workers", f"at most {most:,}{where} by memory: a ceiling, no advice on throughput"))
    rows += _reach(found)
    for number, other in enumerate(found.alternatives):
        verdict = f", then: {other.verdict}" if other.verdict else ""
        text = f"{other.dtype}: {memory(other.weights_bytes)} of weights, saves {memory(other.saved_bytes)}{verdict}"
        rows.append(labelled("instead" if number == 0 else "", text))
    return rows


def _reach(found: Memory) -> list[Line]:
    """The largest batch and sequence; nothing when not even one item fits."""
    reach = found.reach
    rows = []
    at = f" at {found.serving.context:,} tokens" if found.serving.context else ""
    if reach.batch:
        rows.append(labelled("batch", f"up to {reach.batch:,}{at}"))
    if reach.context:
        rows.append(labelled("sequence", f"up to {reach.context:,} tokens at batch {found.serving.batch:,}"))
    if any(number for _, number in reach.concurrency):
        told = ", ".join(f"{number:,} of {tokens:,} tokens" for tokens, number in reach.concurrency)
        rows.append(labelled("sequences", f"{told} (their caches, one being read in)"))
    return rows


def _host(found: Memory) -> list[Line]:
    host, steady = found.host, found.steady
    limit = f", limit {memory(host.budget_bytes)}" if host.budget_bytes is not None else ""
    rows = [
        labelled("host", f"{_span(host.total)} while starting, {_span(steady.total)} serving{limit}"),
    ]
    if host.budget_bytes is not None:
        rows.append(line(*_under_label((host.verdict, STYLES[host.verdict])), f": {host.reason}", hang=_HANG))
    seconds = ", ".join(f"{_seconds(start.likely)} from {start.disk}" for start in found.startup)
    rows.append(labelled("start", seconds))
    slow: dict[tuple[str, ...], list[str]] = {}
    for start in found.startup:
        slow.setdefault(start.exceeds, []).append(start.disk)
    rows += [
        line(
            *_under_label(("too slow", "warning")), f" for {' and '.join(names)} from {' and '.join(disks)}", hang=_HANG
        )
        for names, disks in slow.items()
        if names
    ]
    return rows


def _under_label(span: tuple[str, str]) -> tuple[str, tuple[str, str]]:
    """A span where the text of labelled facts begins."""
    return " " * _HANG, span


def _span(summed: Range) -> str:
    if summed.likely is None:
        return f"{memory(summed.known)} and what is not known"
    high = "" if summed.high is None else f" (up to {memory(summed.high)})"
    return f"{memory(summed.likely)}{high}"


def _seconds(value: float) -> str:
    return f"{value:.0f} s" if value < 120 else f"{value / 60:.0f} min"


def _notes(found: Memory) -> list[Line]:
    return [line(("  note       ", "dim"), text, hang=13) for text in found.notes]


def _verdict(found: Memory) -> Line:
    word = found.verdict
    judged = [
        need for need in (*found.devices, found.host) if need.verdict == word and (need.processes or need.budget_bytes)
    ]
    style = STYLES[word]
    if found.catalogue:
        best = (
            f"the smallest common GPU that fits is {found.smallest}" if found.smallest else "no common GPU surely fits"
        )
        return line(("No GPU named", style), f": {best}.")
    if not judged:
        return line((word.capitalize(), style), ": nothing was judged.")
    return line((word.capitalize(), style), f": {judged[0].name}: {judged[0].reason}.", hang=len(word) + 2)
