"""MDR120: reading stopped at a limit of this tool."""

from collections.abc import Iterator

from modeldoctor.facts.checkpoint import Checkpoint
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, place, rule
from modeldoctor.rules.file._problems import problems_of, seen
from modeldoctor.wording import argument


@rule(
    Checkpoint,
    code="MDR120",
    slug="limit-reached",
    severity=Severity.WARNING,
    since="0.1",
    summary="a limit of the examination was reached, so the rest was not checked",
)
def limit_reached(checkpoint: Checkpoint, context: Context) -> Iterator[Hit]:
    """The file asks for more than an examination may take, and the reading stopped there.

    ## What it finds
    Every size, count and depth that a file can state is bounded here: the members of an archive, the bytes of a pickle
    and of its values, the opcodes, the depth of containers and archives, the length of a header. Reported is that a
    bound was met, which one, and where. An error for a file that you name and with `--strict`, else a warning.

    ## Why it matters
    What lies behind the limit was not looked at, so the absence of other findings says nothing about it. Real models
    stay far below the limits. A file that reaches one is a bomb (a few kilobytes that unpack to gigabytes), an archive
    of something else (a data set that was packed with the weights), or the rare model that is larger than we thought
    possible, in which case we want to know.

    ## Seen as
    From this tool only. torch has no such limits: it tries to load the file and may run out of memory, with
    `RuntimeError: [enforce fail at alloc_cpu.cpp] DefaultCPUAllocator: can't allocate memory` or a killed worker.

    ## Fix
    Look at what is so large, and save only what is needed to serve:

    ```sh
    modeldoctor inspect model.pt
    ```

    ## References
    * The limits stand as named constants at the top of the readers, each with its reason
    """
    problems = problems_of(checkpoint, "limit", "nested-limit")
    if not problems:
        return
    fails = context.strict or (context.explicit and bool(problems_of(checkpoint, "limit")))
    yield Hit(
        f"a limit was reached and the rest was not checked: {problems[0].text}",
        where=place(checkpoint, problems[0].member, problems[0].byte),
        severity=Severity.ERROR if fails else Severity.WARNING,
        fix=f"see what is so large with `modeldoctor inspect {argument(checkpoint.path)}`, save what serving needs",
        notes=seen(problems[1:]),
    )
