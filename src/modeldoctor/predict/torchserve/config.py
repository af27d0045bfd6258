"""model-config.yaml: archive/model/ModelConfig.java in the frontend, ts/service.py and the handlers in the worker."""

from collections.abc import Iterator
from typing import Any

from modeldoctor.facts.archive import Archive, Document
from modeldoctor.findings import Severity
from modeldoctor.predict.torchserve.faults import BROKEN, Fault, at_load, starts_workers
from modeldoctor.predict.torchserve.unpack import near
from modeldoctor.tables import table
from modeldoctor.wording import quoted

# Keys of the manifest that people write here, told to by tutorials.
_DEAD = ("modelName", "modelVersion", "serializedFile", "modelFile", "requirementsFile", "configFile", "runtime")
_WANTED = {"int": "an integer", "str": "a text", "list": "a list", "map": "a mapping", "bool": "true or false"}
_TYPES: dict[str, tuple[type, ...]] = {"int": (int,), "str": (str,), "list": (list,), "map": (dict,), "bool": (bool,)}
# Smallest values that count, and what happens below: the setters of ModelConfig.java.
_LEAST = {
    "minWorkers": 1,
    "batchSize": 1,
    "maxWorkers": 0,
    "maxBatchDelay": 0,
    "responseTimeout": 1,
    "startupTimeout": 1,
    "parallelLevel": 0,
    "maxNumSequence": 1,
    "maxSequenceJobQueueSize": 1,
}
_RAISED = frozenset({"minWorkers", "batchSize", "maxNumSequence", "maxSequenceJobQueueSize"})


def configuration(archive: Archive) -> Iterator[Fault]:
    """Everything about the file that `configFile` names."""
    document = archive.config
    if document is None:
        yield from _unread(archive)
        return
    if document.absent:
        close = near(document.member, [name for name in archive.members if name.endswith((".yaml", ".yml"))])
        message = f"`configFile` names {quoted(document.member)}, which is not in the archive"
        fix = f"name {quoted(close)}" if close else "pack it with `--config-file`, or drop `configFile`"
        yield _unparsable(document, message, fix, "FileNotFoundError: [Errno 2] No such file or directory")
        return
    if document.worker_error:
        message = f"{quoted(document.member)} is not YAML: {document.worker_error}"
        yield _unparsable(document, message, "mend the YAML; it takes no tabs", document.worker_error)
        return
    if fault := _stops(document):
        yield fault
        return
    yield from _keys(archive, document)
    yield from _workers(archive, document)
    yield from _devices(document)
    yield from _parallel(archive, document)


def _unread(archive: Archive) -> Iterator[Fault]:
    """A file of that name that nobody reads."""
    for name in archive.members:
        if name in {"model-config.yaml", "model-config.yml"} and not archive.manifest.absent:
            message = f"{quoted(name)} is packed but `configFile` in the manifest does not name it: nobody reads it"
            yield Fault(
                "config-unread",
                message,
                f'add `"configFile": "{name}"`, or pack with `--config-file`',
                Severity.INFO,
                member=name,
            )


def _unparsable(document: Document, message: str, fix: str, seen: str) -> Fault:
    notes = (
        ("frontend", f"ERROR ModelArchive - Failed to parse model config file {document.member}; it goes on without"),
    )
    return Fault(
        "config-unparsable", message, fix, Severity.ERROR, "load", BROKEN, document.member, document.line, seen, notes
    )


def _stops(document: Document) -> Fault | None:
    """Values for which the frontend has no guard: `yamlMap.forEach((k, v) -> switch (k))`."""
    value = document.frontend
    if value is None:
        what, seen = "is empty", "java.lang.NullPointerException"
    elif not isinstance(value, dict):
        what, seen = "is no mapping", "java.lang.ClassCastException"
    else:
        odd = next((key for key in value if not isinstance(key, str)), "")
        torchrun = value.get("torchrun")
        if odd == "" and isinstance(torchrun, dict):
            odd = next((key for key in torchrun if not isinstance(key, str)), "")
        if odd == "":
            return None
        what, seen = f"has the key {quoted(str(odd))}, which is no text", "java.lang.ClassCastException"
    return Fault(
        "config-stops-server",
        f"{quoted(document.member)} {what}, for which the frontend has no guard",
        "write `key: value` lines with the keys of ModelConfig, or drop `configFile`",
        Severity.ERROR,
        "register",
        BROKEN,
        document.member,
        None,
        f"{seen} (500)",
        stops_server=True,
    )


def _keys(archive: Archive, document: Document) -> Iterator[Fault]:
    known = table("torchserve")["config_keys"]
    backend = table("torchserve")["backend_keys"]
    for key, value in document.frontend.items():
        line = document.line_of(key)
        if key in _DEAD or (key == "handler" and isinstance(value, str)):
            message = f"`{key}` in {quoted(document.member)} is read by nobody: the manifest decides"
            yield Fault(
                "config-dead-key",
                message,
                f"set `{key}` in `model` of MAR-INF/MANIFEST.json, and drop it here",
                Severity.WARNING,
                member=document.member,
                line=line,
                key=key,
            )
        elif key in known:
            yield from _value(document, key, value, known[key], line)
        elif key not in backend:
            meant = near(key, [name for name in known if name not in document.frontend])
            if meant and not _mentioned(archive, key):
                message = (
                    f"{quoted(key)} in {quoted(document.member)} is ignored without a word: did you mean `{meant}`?"
                )
                yield Fault(
                    "config-unknown-key",
                    message,
                    f"write `{meant}`",
                    Severity.WARNING,
                    member=document.member,
                    line=line,
                    key=key,
                )


def _mentioned(archive: Archive, key: str) -> bool:
    """Whether the handler reads the key itself, through `context.model_yaml_config`."""
    return any(act.kind == "config" and act.call == key for act in archive.acts)


def _value(document: Document, key: str, value: Any, wanted: str, line: int | None) -> Iterator[Fault]:
    wrong = not isinstance(value, _TYPES[wanted]) or (wanted == "int" and isinstance(value, bool))
    if wanted == "int" and not wrong and not -(1 << 31) <= value < 1 << 31:
        wrong = True
    if wrong:
        message = f"`{key}` must be {_WANTED[wanted]}, not {quoted(str(value))}: the default stays"
        seen = f"WARN ModelConfig - Invalid {key}: {str(value)[:40]}"
        yield Fault(
            "config-value",
            message,
            f"write {_WANTED[wanted]} without quotes",
            Severity.WARNING,
            member=document.member,
            line=line,
            seen=seen,
            key=key,
        )
    elif key in _LEAST and value < _LEAST[key]:
        then = f"it becomes {_LEAST[key]} without a word" if key in _RAISED else "the default stays"
        message = f"`{key}` is {value}: {then}"
        seen = "" if key in _RAISED else f"WARN ModelConfig - Invalid {key}:{value}"
        yield Fault(
            "config-value",
            message,
            f"write {max(1, _LEAST[key])} or more",
            Severity.WARNING,
            member=document.member,
            line=line,
            seen=seen,
            key=key,
        )


def _workers(archive: Archive, document: Document) -> Iterator[Fault]:
    config = document.frontend
    given = {key: config[key] for key in ("minWorkers", "maxWorkers") if type(config.get(key)) is int}
    if not given or starts_workers(archive):
        return
    if len(given) == 2 and given["maxWorkers"] >= 0:
        message = f"`maxWorkers` {given['maxWorkers']} is below `minWorkers` {given['minWorkers']}: both are ignored"
        severity = Severity.WARNING
    elif len([key for key in ("minWorkers", "maxWorkers") if key in config]) == 1:
        other = "maxWorkers" if "minWorkers" in given else "minWorkers"
        message = f"`{next(iter(given))}` without `{other}` is ignored: no worker is started by the archive"
        severity = Severity.INFO
    else:
        return
    key = next(iter(given))
    seen = "WARN ModelServer - Invalid model config in mar, minWorkers:…, maxWorkers:… (at start-up only)"
    yield Fault(
        "config-workers",
        message,
        "set both, `maxWorkers` at least `minWorkers`",
        severity,
        member=document.member,
        line=document.line_of(key),
        seen=seen,
    )


def _devices(document: Document) -> Iterator[Fault]:
    kind = document.frontend.get("deviceType")
    line = document.line_of("deviceType")
    if isinstance(kind, str) and kind.lower() not in {"", "cpu", "gpu"}:
        message = f"`deviceType` {quoted(kind)} is not known: the server treats it as if it were not set"
        yield Fault(
            "config-device",
            message,
            "write `cpu` or `gpu`; which GPU is said by `deviceIds`",
            Severity.WARNING,
            member=document.member,
            line=line,
            seen=f"WARN ModelConfig - Invalid DeviceType:{kind}",
        )
    elif isinstance(kind, str) and kind.lower() == "gpu":
        message = "`deviceType: gpu` becomes the CPU without a word on a host where the server sees no GPU"
        yield Fault(
            "config-device",
            message,
            "make sure that the host of the server has a GPU",
            Severity.INFO,
            member=document.member,
            line=line,
        )
    ids = document.frontend.get("deviceIds")
    if isinstance(ids, list) and any(type(each) is not int or each < 0 for each in ids):
        message = "`deviceIds` holds what is no GPU number: the whole list is ignored"
        yield Fault(
            "config-device",
            message,
            "list numbers from 0 on",
            Severity.WARNING,
            member=document.member,
            line=document.line_of("deviceIds"),
            seen="WARN ModelConfig - Invalid deviceIds:…",
            key="ids",
        )


def _parallel(archive: Archive, document: Document) -> Iterator[Fault]:
    """WorkerLifeCycle.attachRunner takes `torchrun` of the configuration without asking whether it is there."""
    config = document.frontend
    kind, level = config.get("parallelType"), config.get("parallelLevel")
    if isinstance(kind, str) and kind.lower() not in {"", "pp", "tp", "pptp", "custom"}:
        message = f"`parallelType` {quoted(kind)} is not known: the server treats it as if it were not set"
        yield Fault(
            "config-parallel",
            message,
            "write `pp`, `tp`, `pptp` or `custom`",
            Severity.WARNING,
            member=document.member,
            line=document.line_of("parallelType"),
            seen=f"WARN ModelConfig - Invalid ParallelType:{kind}",
        )
    elif _split(kind) and type(level) is int and level > 0 and not isinstance(config.get("torchrun"), dict):
        message = f"`parallelType: {kind}` with `parallelLevel: {level}` needs `torchrun`, which is not set"
        yield Fault(
            "config-parallel",
            message,
            "add `torchrun:` with `nproc-per-node`, or use `parallelType: custom`",
            Severity.ERROR,
            *at_load(archive),
            document.member,
            document.line_of("parallelLevel"),
            "WARN WorkerThread - Backend worker thread exception. java.lang.NullPointerException",
        )


def _split(kind: object) -> bool:
    return isinstance(kind, str) and kind.lower() in {"pp", "tp", "pptp"}
