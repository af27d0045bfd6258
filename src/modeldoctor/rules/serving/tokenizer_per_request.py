"""MDR502: the tokenizer or processor is read again for every request."""

from collections.abc import Iterator

from modeldoctor.facts.source import Source
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.serving._common import at, call, chain, once_for, through


@rule(
    Source,
    code="MDR502",
    slug="tokenizer-per-request",
    severity=Severity.WARNING,
    since="0.1",
    summary="the tokenizer or processor is loaded again for every request",
)
def tokenizer_per_request(source: Source, _: Context) -> Iterator[Hit]:
    """Every request reads the tokenizer, processor or configuration that belongs to the model again.

    ## What it finds
    `from_pretrained` and `from_file` of tokenizers, processors, feature extractors and configurations in code that
    runs for each request, directly or through helpers. The finding lists the way from the request to the call.

    ## Why it matters
    A fast tokenizer parses a JSON file of some megabytes: 20 to 500 ms, which is often more than the inference of a
    small model. Without a pinned local copy each call also asks the hub whether a newer revision is there, so the
    service depends on somebody else's being up and may change under way. It costs less memory than a model, hence a
    warning.

    ## Seen as
    * a steady fraction of a second in each request that a profiler puts into `tokenization_utils_base.py`
    * `OSError: We couldn't connect to 'https://huggingface.co' to load this file` in the middle of the day

    ## Fix
    Load it where the model is loaded, once, and hand out both:

    ```python
    app.state.tokenizer = AutoTokenizer.from_pretrained("./model", local_files_only=True)
    app.state.model = AutoModelForCausalLM.from_pretrained("./model", local_files_only=True)
    ```

    ## References
    * https://huggingface.co/docs/transformers/main_classes/tokenizer
    * https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables#hfhuboffline
    """
    for load in source.loads:
        if load.when != "per_request" or load.kind != "tokenizer":
            continue
        framework = load.entry.framework if load.entry is not None else ""
        fix, code = once_for(source, framework)
        yield Hit(
            f"{call(load)} runs for every request{through(load)}",
            where=at(source, load.where),
            severity=Severity.INFO if load.explicit_reload else None,
            fix=fix,
            notes=code,
            related=chain(source, load.entry, load.chain),
            key=f"{load.function} {load.loader}",
        )
