"""A folder that is one model: Hugging Face and diffusers folders, adapters, and the checkpoint folders of trainers."""

import os
from typing import Any

from modeldoctor.detect import INDEX_SUFFIXES, READ_IN_FOLDERS, Sniffed, folder_kind
from modeldoctor.errors import ReadError
from modeldoctor.facts.checkpoint import Adapter, Checkpoint, Problem
from modeldoctor.readers.checkpoint import bounded_json
from modeldoctor.readers.checkpoint.read import read_checkpoint
from modeldoctor.readers.checkpoint.sharded import MAX_TENSORS, merge, read_index, shard_family
from modeldoctor.readers.checkpoint.zip_directory import told
from modeldoctor.storage import File
from modeldoctor.wording import count, listing, quoted

# The longest real configurations list 20,000 labels.
MAX_CONFIG_BYTES = 4 << 20
# Files of one model, besides the shards that an index names.
MAX_FILES = 500
MAX_ENTRIES = 100_000
# What transformers writes beside the weights: read, but no weights (transformers/trainer.py, TRAINING_ARGS_NAME…).
_BESIDE_WEIGHTS = ("optimizer", "scheduler", "scaler", "rng_state", "training_args", "random_states")


def read_folder(path: str, shown: str) -> Checkpoint:
    """The model in a folder; its files are children. Never raises for content."""
    blank = Checkpoint(shown, "folder", "folder", "not understood", 0)
    try:
        names, folders = _entries(path)
    except OSError as error:
        return blank._replace(state="unreadable", problems=(Problem("unreadable", _reason(error)),))
    kind = folder_kind(names)
    if kind is None:
        return blank._replace(advice="name the model files in it: it is no folder that is one model")
    blank = blank._replace(format=kind.format, title=kind.title, advice=kind.advice, state="recognised")
    return _Folder(path, blank, names, folders).read(kind)


def _entries(path: str) -> tuple[list[str], list[str]]:
    """The names of the files and of the folders, sorted."""
    names: list[str] = []
    folders: list[str] = []
    with os.scandir(path) as entries:
        for entry in entries:
            (folders if entry.is_dir() else names).append(entry.name)
            if len(names) + len(folders) >= MAX_ENTRIES:
                break
    return sorted(names), sorted(folders)


class _Folder:
    """The state of reading one folder."""

    def __init__(self, path: str, blank: Checkpoint, names: list[str], folders: list[str]) -> None:
        self.path = path
        self.blank = blank
        self.names = names
        self.folders = folders
        self.children: list[Checkpoint] = []
        self.problems: list[Problem] = []

    def read(self, kind: Sniffed) -> Checkpoint:
        """Read what this kind of folder has."""
        if kind.format == "diffusers":
            return self.pipeline()
        if kind.format == "adapter":
            return self.adapter()
        if kind.format == "distributed":
            return self.distributed()
        if kind.format == "deepspeed":
            return self.deepspeed()
        return self.model() if kind.format == "model-folder" else self.blank

    def model(self) -> Checkpoint:
        """Weights in one or more forms, with the configuration; the form that transformers prefers speaks for all."""
        self.read_files(self.names)
        config = self.config("config.json")
        self.problems += _without_index(self.names, self.children)
        return self.result(config)

    def adapter(self) -> Checkpoint:
        """peft/utils/save_and_load.py: `adapter_config.json` with `adapter_model.safetensors` or `.bin`."""
        self.read_files(self.names)
        config = self.config("adapter_config.json") or {}
        if not any(name.startswith("adapter_model") for name in self.names):
            text = "has neither `adapter_model.safetensors` nor `adapter_model.bin`"
            self.problems.append(Problem("missing-record", text))
        base = _text(config.get("base_model_name_or_path"))
        adapter = Adapter(_text(config.get("peft_type")) or "unknown", base, _rank(config), _targets(config))
        advice = (
            f"load {quoted(base) if base else 'the base model'} first, then this with `peft.PeftModel.from_pretrained`"
        )
        return self.result(config)._replace(adapter=adapter, advice=advice)

    def pipeline(self) -> Checkpoint:
        """diffusers: a folder for each component that `model_index.json` names with a library and a class."""
        config = self.config("model_index.json") or {}
        components = {name: value for name, value in config.items() if isinstance(value, list) and value[:1] != [None]}
        absent = sorted(name for name in components if name not in self.folders)
        if absent:
            text = f"`model_index.json` names {count(len(absent), 'component')} without a folder: {listing(absent)}"
            self.problems.append(Problem("missing-record", text, times=len(absent)))
        for folder in self.folders:
            names = self.names_in(folder)
            kind = folder_kind(names)
            # Only kinds without folders of their own: a link to the folder itself must not be followed for ever.
            if kind is not None and kind.format in {"model-folder", "adapter"}:
                self.add(folder)
            else:
                self.read_files([f"{folder}/{name}" for name in names])
        self.read_files(self.names)
        weights = [child for child in self.children if child.state == "understood"]
        return self.result(config, weights)

    def distributed(self) -> Checkpoint:
        """The metadata is a pickle, which loading executes; the shards hold what it describes."""
        shards = [name for name in self.names if name.endswith(".distcp")]
        self.add(".metadata")
        paths = [os.path.join(self.path, name) for name in shards]
        size_bytes = sum(os.path.getsize(path) for path in paths if os.path.isfile(path))
        extras = (("shards", len(shards)),)
        return self.blank._replace(children=tuple(self.children), size_bytes=size_bytes, extras=extras)

    def deepspeed(self) -> Checkpoint:
        """deepspeed/runtime/engine.py: `mp_rank_…_model_states.pt` and `…_optim_states.pt`, per step in a folder."""
        self.read_files(self.names)
        for folder in self.folders:
            if folder.startswith("global_step"):
                self.read_files([f"{folder}/{name}" for name in self.names_in(folder)])
        return self.result(None, [])

    # ----------------------------------------------------------------------- steps

    def names_in(self, folder: str) -> list[str]:
        """The files of a subfolder; none, with a problem, when it cannot be listed."""
        try:
            return _entries(os.path.join(self.path, folder))[0]
        except OSError as error:
            self.problems.append(Problem("unreadable", _reason(error), folder))
            return []

    def read_files(self, names: list[str]) -> None:
        """Read the sets that have an index, then the model files that are in no set."""
        for name in names:
            if name.endswith(INDEX_SUFFIXES):
                self.add(name)
        in_sets = {child.path for index in self.children for child in index.children}
        for name in names:
            if name.endswith(READ_IN_FOLDERS) and join(self.blank.path, name) not in in_sets:
                self.add(name)

    def add(self, name: str) -> None:
        """Read one file or folder as a child."""
        tensors = sum(len(child.tensors) for child in self.children)
        if len(self.children) == MAX_FILES or tensors > MAX_TENSORS:
            text = f"was not read: {len(self.children):,} files with {tensors:,} tensors were read before"
            self.problems.append(Problem("limit", text, name))
            return
        path, shown = os.path.join(self.path, name), join(self.blank.path, name)
        self.children.append(read_index(path, shown) if name.endswith(INDEX_SUFFIXES) else read_checkpoint(path, shown))

    def config(self, name: str) -> dict[str, Any] | None:
        """A configuration file, or None with a problem when it is no JSON object or too large."""
        if name not in self.names:
            return None
        try:
            with File(os.path.join(self.path, name)) as file:
                value = bounded_json.read(file, MAX_CONFIG_BYTES)
        except ReadError as error:
            self.problems.append(Problem(error.kind, str(error), name, error.byte))
            return None
        if not isinstance(value, dict):
            self.problems.append(Problem("damaged", "is not a JSON object", name))
            return None
        return value

    def result(self, config: dict[str, Any] | None, weights: list[Checkpoint] | None = None) -> Checkpoint:
        """The folder with its children; tensors are those of `weights`, by default of the form that is preferred."""
        weights = _preferred(self.children) if weights is None else weights
        merged = merge(weights, self.blank)
        return merged._replace(
            state="understood" if weights else "recognised",
            config=config,
            shards=next((child.shards for child in weights if child.shards), None),
            children=tuple(self.children),
            problems=tuple(told(self.problems)),
            size_bytes=sum(child.size_bytes for child in self.children),
            bytes_read=sum(child.bytes_read for child in self.children),
        )


def _preferred(children: list[Checkpoint]) -> list[Checkpoint]:
    """The weights that transformers loads: safetensors before pickles, sets and single files alike."""
    known = [child for child in children if child.state == "understood" and _is_weights(child.path)]
    known.sort(key=lambda child: (".safetensors" not in child.path, child.shards is None, len(child.path)))
    return known[:1]


def _is_weights(path: str) -> bool:
    return not path.rpartition("/")[2].startswith(_BESIDE_WEIGHTS)


def _without_index(names: list[str], children: list[Checkpoint]) -> list[Problem]:
    """Shards by their names that no index lists: loaders by name find nothing in the folder."""
    listed = {
        family for child in children if child.shards for name, _ in child.shards.files if (family := shard_family(name))
    }
    problems = []
    families = {name: family for name in names if (family := shard_family(name)) and name.endswith(READ_IN_FOLDERS)}
    for family in sorted(set(families.values()) - listed):
        shards = [name for name, each in families.items() if each == family]
        text = f"{count(len(shards), 'shard')} of {int(family[1]):,} and no index that lists them: {listing(shards)}"
        problems.append(Problem("shard-unlisted", text, shards[0], times=len(shards)))
    return problems


def join(shown: str, name: str) -> str:
    """The path of a file in a folder, as reports print it."""
    return name if shown in {"", "."} else f"{shown.rstrip('/')}/{name}"


def _reason(error: OSError) -> str:
    return f"cannot be listed: {(error.strerror or str(error)).lower()}"


def _text(value: Any) -> str | None:
    return value if isinstance(value, str) else None


def _rank(config: dict[str, Any]) -> int | None:
    """`r` of LoRA and its kin (peft/tuners/lora/config.py)."""
    rank = config.get("r")
    return rank if isinstance(rank, int) and not isinstance(rank, bool) else None


def _targets(config: dict[str, Any]) -> tuple[str, ...]:
    """`target_modules`: names, or one pattern."""
    targets = config.get("target_modules")
    if isinstance(targets, str):
        return (targets,)
    return tuple(sorted(str(target) for target in targets)) if isinstance(targets, list) else ()
