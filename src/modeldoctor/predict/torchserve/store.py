"""What only several archives or the server's configuration show: J/ModelServer.java, J/util/ConfigManager.java."""

import re
from collections.abc import Iterator

from modeldoctor.facts.archive import Archive, Server, Store
from modeldoctor.findings import Severity
from modeldoctor.predict.torchserve.faults import CONFLICT, Fault
from modeldoctor.predict.torchserve.unpack import near
from modeldoctor.tables import table
from modeldoctor.wording import listing, quoted

Placed = tuple[str, Fault]  # the path it is about


def store_faults(store: Store) -> Iterator[Placed]:
    """Everything about the folders together, each fault with the path it is about."""
    if not store.archives:
        return
    yield from _conflicts(store)
    for server in store.servers:
        for fault in _settings(server):
            yield server.path, fault
    first = store.archives[0].path
    yield (
        first,
        Fault(
            "server-unmaintained",
            "TorchServe is no longer maintained: 0.12.0 of September 2024 is its last release",
            "plan to move: no fixes, security patches or support for new torch releases will come",
            Severity.INFO,
            notes=(("holds for", f"the predictions are those of TorchServe {table('torchserve')['modelled']}"),),
        ),
    )


def name_of(archive: Archive) -> tuple[str, str]:
    """Name and version under which an archive is registered at start-up (ModelServer.getDefaultModelName)."""
    file = archive.path.rpartition("/")[2]
    stem = file.rpartition(".")[0] if ".model" in file or ".mar" in file else file
    default = re.sub(r"\W|^_", "_", stem, flags=re.ASCII)
    version = archive.model.get("modelVersion")
    return str(archive.model.get("modelName") or default), "1.0" if version is None else str(version)


def _conflicts(store: Store) -> Iterator[Placed]:
    """A second model of one name and version: ModelVersionedRefs.addVersionModel throws, and nobody catches it."""
    groups: dict[tuple[str, str, str], list[str]] = {}
    for archive in store.archives:
        if archive.members and not archive.refused:
            groups.setdefault((archive.path.rpartition("/")[0], *name_of(archive)), []).append(archive.path)
    for (_, name, version), paths in sorted(groups.items()):
        if len(paths) > 1:
            files = listing([path.rpartition("/")[2] for path in paths])
            message = f"{files} all register {quoted(name)} version {quoted(version)}"
            seen = f"Invalid configuration: Model version {version} is already registered for model {name}"
            yield (
                paths[1],
                Fault(
                    "model-name-conflict",
                    message,
                    "give every archive its own name or version",
                    Severity.ERROR,
                    "start-up",
                    CONFLICT,
                    seen=seen,
                    key=name,
                    stops_server=True,
                ),
            )


def _settings(server: Server) -> Iterator[Fault]:
    if not server.path:
        return
    known = table("torchserve")["properties"]
    for key, value, line in server.settings:
        for name in re.findall(r"\$\$([^$]+)\$\$", value):
            message = f"`{key}` takes the variable {quoted(name)}: where it is not set the server does not start"
            yield Fault(
                "server-settings",
                message,
                f"set {quoted(name)} in the environment of the server",
                Severity.INFO,
                line=line,
                seen=f"Invalid configuration: Invalid Environment Variable {name}",
                key=name,
            )
        if key not in known and not key.startswith("plugin") and (meant := near(key, known)):
            message = (
                f"{quoted(key)} is no setting of the server, which ignores it without a word: did you mean `{meant}`?"
            )
            yield Fault("server-settings", message, f"write `{meant}`", Severity.WARNING, line=line, key=key)
    changes = table("torchserve")["changes"]
    since = changes["token-authorization"]["since"]
    if not server.release or _version(server.release) >= _version(since):
        off = [
            name
            for name, on in (("disable_token_authorization", "a token"), ("enable_model_api", "the model API"))
            if not server.on(name) and on
        ]
        if off:
            message = f"from TorchServe {since} on every call, `/ping` too, needs a token, and the model API is off"
            fix = f"send the tokens of `key_file.json`, or set {listing([f'{name}=true' for name in off])}"
            yield Fault(
                "server-access",
                message,
                fix,
                Severity.INFO,
                line=1,
                seen="InvalidKeyException: Token Authorization failed. (400); MethodNotAllowedException (405)",
            )


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(".") if part.isdigit())
