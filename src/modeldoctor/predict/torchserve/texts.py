"""Other files that the stock `initialize` reads: `index_to_name.json`, and `pt2` of the configuration."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Severity
from modeldoctor.predict.torchserve.faults import FAILED, Fault, at_load
from modeldoctor.predict.torchserve.weights import initialized_by_stock


def label_mapping(archive: Archive) -> Iterator[Fault]:
    """`index_to_name.json`: ts/utils/util.py, load_label_mapping."""
    document = archive.labels
    if document is None or not initialized_by_stock(archive):
        return
    seen = ""
    if document.worker_error:
        message, seen = f"`index_to_name.json` is not JSON: {document.worker_error}", document.worker_error
    elif not isinstance(document.worker, dict):
        message = "`index_to_name.json` must be an object that maps class numbers to names"
        seen = 'Exception: index->name JSON mapping should be in "class": "label" format.'
    elif isinstance(document.worker.get("object_type_names"), list):
        return
    else:
        odd = next((key for key, value in document.worker.items() if not _is_label(value)), None)
        if odd is None:
            return
        message = (
            f"the value of `{str(odd)[:40]}` in `index_to_name.json` is neither a text nor a list that ends in one"
        )
        seen = "Exception: labels in index->name mapping must be either str or List[str]"
    yield Fault(
        "label-mapping",
        message,
        'write `{"0": "cat", "1": "dog"}`',
        Severity.ERROR,
        *at_load(archive),
        document.member,
        document.line,
        seen,
    )


def _is_label(value: object) -> bool:
    if isinstance(value, list):
        return bool(value) and isinstance(value[-1], str)
    return isinstance(value, str)


def profiling(archive: Archive) -> Iterator[Fault]:
    """`handler` of the configuration: ts/handler_utils/timer.py looks for `profile` in it around every stage."""
    document = archive.config
    config = document.worker if document else None
    if document is None or not isinstance(config, dict) or "handler" not in config:
        return
    timed = any(act.kind == "stock" and act.call in {"preprocess", "inference", "postprocess"} for act in archive.acts)
    value = config["handler"]
    if (timed or archive.handler == "base_handler") and (value is None or isinstance(value, int | float)):
        message = "`handler` in the configuration is not a mapping, and the stages of BaseHandler look into it"
        seen = f"TypeError: argument of type '{type(value).__name__}' is not iterable"
        yield Fault(
            "config-value",
            message,
            "write `handler: {profile: true}`, or drop the key",
            Severity.ERROR,
            "infer",
            FAILED,
            document.member,
            document.line_of("handler"),
            seen,
            key="handler",
        )


def compile_options(archive: Archive) -> Iterator[Fault]:
    """`pt2` of model-config.yaml, which the stock `initialize` takes apart without guards."""
    document = archive.config
    config = document.worker if document else None
    if document is None or not isinstance(config, dict) or "pt2" not in config or not initialized_by_stock(archive):
        return
    pt2 = config["pt2"]
    said = ""
    if pt2 is None or isinstance(pt2, int | float):
        said = f"TypeError: argument of type '{type(pt2).__name__}' is not iterable"
    elif isinstance(pt2, dict) and "compile" in pt2:
        options = pt2["compile"]
        if not isinstance(options, dict):
            said = "TypeError: string indices must be integers"
        elif "enable" not in options:
            said = "KeyError: 'enable'"
    elif isinstance(pt2, list) and "compile" not in pt2 and "export" not in pt2:
        said = "ValueError: pt2 should be str or dict"
    if said:
        yield Fault(
            "config-pt2",
            "`pt2` in the configuration is not what the stock `initialize` takes apart",
            "write `pt2: {compile: {enable: true, backend: inductor}}`",
            Severity.ERROR,
            *at_load(archive),
            document.member,
            document.line_of("pt2"),
            said,
        )
    elif isinstance(pt2, str) or (isinstance(pt2, dict) and not {"compile", "export"} & pt2.keys()):
        yield Fault(
            "config-pt2",
            "this form of `pt2` is deprecated",
            "write `pt2: {compile: {enable: true, …}}`",
            Severity.INFO,
            member=document.member,
            line=document.line_of("pt2"),
        )
