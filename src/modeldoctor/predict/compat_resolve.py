"""Installation + target → the environment that results, as pip, uv and conda would fill it, step by step."""

import re
from typing import Any

from modeldoctor.facts.environment import Target, Value
from modeldoctor.facts.pins import Image, Installation, Pin, Step
from modeldoctor.facts.skew import Clash, Environment, Package
from modeldoctor.predict import compat
from modeldoctor.predict.compat_host import host
from modeldoctor.predict.compat_index import BUILT, Pick, has_build, offers, pick, runtime_variant, variant_in
from modeldoctor.predict.versions import allows, public, specifiers, together, version
from modeldoctor.tables import table

# Packages whose METADATA pins torch: in one step with them, the resolver takes that torch.
DECLARE = ("torchvision", "torchaudio", "torchtext", "xformers", "vllm", "accelerate", "bitsandbytes", "lightning",
           "pytorch-lightning", "peft")  # fmt: skip
# Packages that bring torch when nothing names it.
BRING = {*DECLARE, "timm", "ultralytics", "fastai", "sentence-transformers", "open-clip-torch", "openai-whisper",
         "easyocr", "torchmetrics", "kornia", "pytorch-ignite", "segmentation-models-pytorch"}  # fmt: skip

# Base images without torch.
PLAIN = {"python", "lambda", "nvidia/cuda", "ubuntu", "debian", "centos", "rockylinux", "almalinux", "fedora", "alpine",
         "amazonlinux"}  # fmt: skip


def resolve(installation: Installation, target: Target) -> Environment:
    """The environment. What flags and the configuration say overrides what the project says."""
    return _Resolver(installation, target).environment()


def may_hold_torch(image: Image) -> bool:
    """Whether an image may bring a torch although its tag does not say which."""
    return not (image.os or image.python) if not image.family else image.family not in PLAIN


def usable_specifier(pin: Pin) -> str:
    """The specifier of a pin as far as it can be used: `>=2.0+cu121` compares by its public version."""
    if specifiers(pin.specifier) is not None:
        return pin.specifier
    softened = re.sub(r"((?:[<>]=?|~=)\s*[\w.!]+)\+[\w.]+", r"\1", pin.specifier)
    return softened if specifiers(softened) is not None else ""


class _Resolver:
    """The state while the steps of one installation are followed."""

    def __init__(self, installation: Installation, target: Target) -> None:
        self.installation = installation
        self.target = target
        self.host = host(installation, target)
        self.packages: dict[str, Package] = {}
        self.clashes: list[Clash] = []
        self.wanted: dict[str, list[Pin]] = {}
        image = installation.image
        if image and not image.torch and may_hold_torch(image):
            self.packages["torch"] = Package("torch", certain=False, why="the base image is not known")
        if image and image.torch:
            pin = Pin(
                "torch", f"=={image.torch}", image.reference, image.path, image.line, image.torch, role="installed"
            )
            variant = "cpu" if image.device == "cpu" else compat.variant_of_cuda(image.cuda)
            self.packages["torch"] = Package(
                "torch", image.torch, "", True, "in the base image", (pin,), variant, "the base image"
            )
            # These images bring the companions of their torch, built alike.
            for name in ("torchvision", "torchaudio"):
                fits = compat.fitting(name, image.torch)
                if fits:
                    self.packages[name] = self.packages["torch"]._replace(
                        name=name, version=fits[-1], pins=(pin._replace(name=name),)
                    )

    def environment(self) -> Environment:
        """Follow the steps, then let the target override."""
        for step in self.installation.steps:
            self.follow(step)
        self.override()
        image = self.installation.image
        cards = self.target.gpus
        return Environment(
            name=self.installation.name,
            installation=self.installation,
            python=self.host.python,
            packages=self.packages,
            clashes=tuple(self.clashes),
            system=self.host.where.system,
            machine=self.host.where.machine,
            driver=self.target.driver.text if self.target.driver else "",
            gpus=None if cards is None else tuple(card.text for card in cards),
            cuda_image=image.cuda if image else "",
            glibc=self.host.glibc,
            assumed=self.host.assumed,
        )

    def override(self) -> None:
        """Flags and configuration win over everything that the project says."""
        for name in ("torch", "numpy"):
            value = getattr(self.target, name)
            if value and value.kind == "given":
                self.given(name, value)
        torch, cuda = self.packages.get("torch"), self.target.cuda
        if torch and cuda and cuda.kind == "given":
            variant = compat.variant_of_cuda(cuda.text)
            self.packages["torch"] = torch._replace(variant=variant, variant_why=cuda.source)

    def given(self, name: str, value: Value) -> None:
        """A version that the user names."""
        old = self.packages.get(name, Package(name))
        new = old._replace(version=public(value.text), certain=True, why=value.source, given=True)
        if name == "torch" and public(old.version) != new.version:
            found = compat.release(new.version)
            variant = compat.default_variant(found, self.host.where) if found else ""
            new = new._replace(variant=variant_in(value.text) or variant, variant_why="the default registry")
        self.packages[name] = new

    # ------------------------------------------------------------------ steps

    def follow(self, step: Step) -> None:
        """One step: every package that it names, torch first, since the others depend on it."""
        wanted: dict[str, list[Pin]] = {}
        limits: dict[str, list[Pin]] = {}
        for pin in step.pins:
            if self.host.applies(pin):
                (limits if pin.role == "constraint" else wanted).setdefault(pin.name, []).append(pin)
        self.wanted = wanted
        self.torch(step, wanted, limits)
        for name, pins in wanted.items():
            if name not in {"torch", "python"}:
                self.plain(step, name, pins, limits.get(name, []))
        if step.tool == "conda":
            self.conda(wanted)

    def torch(self, step: Step, wanted: dict[str, list[Pin]], limits: dict[str, list[Pin]]) -> None:
        """What a step does to torch: names it, brings it with another package, or replaces it for one."""
        pins = tuple(wanted.get("torch", []))
        bringing = next((name for name in wanted if name in BRING), None)
        if not pins and (bringing is None or step.option("no-deps") or self.is_lock(wanted)):
            return
        limit = tuple(limits.get("torch", []))
        whole = together(*(usable_specifier(pin) for pin in (*pins, *limit)), *self.implied(step, wanted))
        old = self.packages.get("torch")
        if old and self.stays(step, old, pins, whole):
            self.packages["torch"] = old._replace(pins=old.pins + pins)
            return
        new = self.chosen(step, "torch", (*pins, *limit), whole)
        if not pins and bringing:
            new = new._replace(pins=tuple(wanted[bringing]), why=f"comes with {bringing}: {new.why}")
        if old and old.version and new.version and old.version != new.version:
            clash = Clash("replaced", "torch", (*old.pins, *new.pins), old.version, old.variant, instead=new.version)
            self.clashes.append(clash)
        self.packages["torch"] = new

    @staticmethod
    def is_lock(wanted: dict[str, list[Pin]]) -> bool:
        """Whether everything in a step is locked: what a lock does not name is not installed."""
        return any(pin.role == "locked" for pins in wanted.values() for pin in pins)

    def usable(self, text: str) -> bool:
        """Whether pip may take a torch release here: it has a wheel, and its own pins agree with those of the step."""
        found = compat.release(text)
        if found is None or not self.host.has_wheel(text):
            return False
        asked = {"setuptools": found.setuptools}
        if self.host.where == compat.Platform():  # only wheels for Linux on x86_64 ask for triton
            asked["triton"] = found.triton if found.triton[:1] in "=~<>" else f"=={found.triton}"
        return all(
            allows(asked[name], public(pin.version))
            for name in asked
            for pin in self.wanted.get(name, [])
            if pin.version and asked[name]
        )

    def implied(self, step: Step, wanted: dict[str, list[Pin]]) -> list[str]:
        """What exactly pinned companions in this step ask of torch."""
        if step.tool == "conda" or step.option("no-deps"):
            return []
        found = []
        for name in DECLARE:
            exact = {public(pin.version) for pin in wanted.get(name, []) if pin.version}
            found += [asked for text in sorted(exact) if (asked := compat.asks(name, text))]
        return found

    @staticmethod
    def stays(step: Step, old: Package, pins: tuple[Pin, ...], whole: str) -> bool:
        """Whether what is installed already satisfies a step."""
        if step.option("upgrade") and pins:
            return False
        if not old.version:  # a nightly, or what an image of which nothing is known may hold
            return not any(pin.version or pin.url for pin in pins)
        local = f"{public(old.version)}+{old.variant}" if old.variant and old.step is not None else old.version
        if any(pin.url or (pin.variant and pin.variant != old.variant) for pin in pins):
            return False
        return allows(whole, local) or allows(whole, old.version)

    def chosen(self, step: Step, name: str, pins: tuple[Pin, ...], whole: str) -> Package:
        """The version and build that a step installs. `whole` adds what companions ask to what the pins do."""
        asked = together(*(usable_specifier(pin) for pin in pins))
        exact = sorted({public(pin.version) for pin in pins if pin.version}, key=_sortable)
        if len(exact) > 1 and not any(pin.role == "locked" for pin in pins):
            self.clashes.append(Clash("disagree", name, pins))
        if exact:
            return self.exact(step, name, pins, exact[-1])
        picked = self.picked(step, name, pins, whole) or self.picked(step, name, pins, asked)
        if picked is None:
            if pins and asked and name in BUILT and step.tool != "conda":
                self.clashes.append(Clash("no match", name, pins))
            return Package(name, "", asked, certain=False, pins=pins, step=step)
        self.passed_over(step, name, pins, picked)
        why = f"the newest that fits today ({table('compat')['as_of']})"
        return Package(
            name, picked.version, whole, certain=False, why=why, pins=pins,
            variant=picked.variant, variant_why=picked.why, step=step,
        )  # fmt: skip

    def picked(self, step: Step, name: str, pins: tuple[Pin, ...], specifier: str) -> Pick | None:
        """What the indexes of a step give for a specifier."""
        if step.tool == "conda":
            return None
        if name == "torch":
            return pick(name, specifier, step, pins, where=self.host.where, usable=self.usable)
        return pick(name, specifier, step, pins, where=self.host.where)

    def exact(self, step: Step, name: str, pins: tuple[Pin, ...], text: str) -> Package:
        """A pinned version: which build, and whether the indexes have it."""
        deciding = tuple(sorted(pins, key=lambda pin: public(pin.version) != text))
        locked, runtime = runtime_variant(step.pins)
        variant, why = next(((pin.variant, "pinned") for pin in deciding if pin.variant), ("", ""))
        if len({pin.variant for pin in deciding if pin.role == "locked"}) > 1:
            why = "the lock has several builds"
            return Package(name, text, f"=={text}", pins=deciding, variant_why=why, step=step)
        if step.tool == "conda":
            return Package(name, text, f"=={text}", pins=deciding, variant=variant, variant_why=why, step=step)
        backend = step.option("torch-backend").partition("@")[0]
        if variant:
            self.held(step, name, deciding, text, variant)
        elif runtime is not None and name == "torch" and compat.has_variant(text, locked) is not False:
            variant, why = locked, runtime.place
        elif backend:
            variant = "" if backend == "auto" else backend
            why = "torch-backend"
        else:
            picked = pick(name, f"=={text}", step, deciding, where=self.host.where)
            variant, why = (picked.variant, picked.why) if picked else ("", "")
            self.searched(step, name, deciding, text, variant if picked else None)
        return Package(name, text, f"=={text}", pins=deciding, variant=variant, variant_why=why, step=step)

    def passed_over(self, step: Step, name: str, pins: tuple[Pin, ...], picked: Pick) -> None:
        """An open requirement with an extra index whose newest release is older than that of the default one."""
        if not pins or any(pin.variant for pin in pins):
            return
        for place in offers(step, pins):
            if picked.source is None and place.source and place.variant not in {"", "*"} and step.tool == "pip":
                clash = Clash(
                    "index without effect", name, pins, picked.version, place.variant, place.source, picked.variant
                )
                self.clashes.append(clash)

    def held(self, step: Step, name: str, pins: tuple[Pin, ...], text: str, variant: str) -> None:
        """A pin that names its build: note when that does not exist, or no index is there that may have it."""
        places = offers(step, pins)
        if any(pin.url or pin.role == "locked" for pin in pins):
            return
        if has_build(name, text, variant) is False:
            index = next((place.source for place in places if place.source), None)
            self.clashes.append(Clash("no such build", name, pins, text, variant, index))
        elif all(place.variant == "" and place.source is None for place in places) and step.tool in {"pip", "uv"}:
            self.clashes.append(Clash("no index", name, pins, text, variant))
        else:
            other = [place for place in places if place.variant not in {"", "*", variant}]
            if other and len(other) == len(places):
                self.clashes.append(Clash("no such build", name, pins, text, variant, other[0].source))

    def searched(self, step: Step, name: str, pins: tuple[Pin, ...], text: str, got: str | None) -> None:
        """A pin that leaves the build to the index: note when that index lacks the release."""
        if any(pin.role == "locked" for pin in pins):
            return
        for place in offers(step, pins):
            if place.variant in {"", "*"} or place.source is None or has_build(name, text, place.variant) is not False:
                continue
            kind = "no such build" if got is None else "index without effect"
            self.clashes.append(Clash(kind, name, pins, text, place.variant, place.source, instead=got or ""))

    def plain(self, step: Step, name: str, pins: list[Pin], limits: list[Pin]) -> None:
        """Any other package."""
        asked = together(*(usable_specifier(pin) for pin in (*pins, *limits)))
        old = self.packages.get(name)
        if old and old.version and not step.option("upgrade") and allows(asked, old.version):
            self.packages[name] = old._replace(pins=old.pins + tuple(pins))
            return
        every = (*pins, *limits)
        if name in BUILT:
            found = self.companion(step, name, every, asked)
        else:
            exact = sorted({public(pin.version) for pin in every if pin.version}, key=_sortable)
            if len(exact) > 1 and not any(pin.role == "locked" for pin in pins):
                self.clashes.append(Clash("disagree", name, every))
            found = Package(name, exact[-1] if exact else "", asked, bool(exact), pins=every, step=step)
        self.packages[name] = found

    def companion(self, step: Step, name: str, pins: tuple[Pin, ...], asked: str) -> Package:
        """A companion of torch (torchvision …): when free, the version that the torch here goes with."""
        if any(pin.version for pin in pins):
            return self.chosen(step, name, pins, asked)
        torch = self.packages.get("torch")
        fits = compat.fitting(name, public(torch.version)) if torch and torch.version else ()
        fits = tuple(text for text in fits if allows(asked, text))
        variant = ""
        if fits:
            picked = self.picked(step, name, pins, f"=={fits[-1]}")
            variant = picked.variant if picked else ""
        return Package(
            name, fits[-1] if fits else "", asked, certain=False, why="the one that goes with torch", pins=pins,
            variant=variant, step=step,
        )  # fmt: skip

    def conda(self, wanted: dict[str, list[Pin]]) -> None:
        """CUDA is a package of its own: `pytorch-cuda=11.8`, `cudatoolkit=11.3`, `cpuonly`."""
        torch = self.packages.get("torch")
        stated = next((pin for pin in wanted.get("cuda", []) if pin.version), None)
        if torch and stated and not torch.variant and torch.step is not None:
            variant = "cpu" if stated.version == "cpu" else compat.variant_of_cuda(stated.version)
            if stated.version == "cpu" or stated.version.count("."):
                self.packages["torch"] = torch._replace(variant=variant, variant_why=stated.place)


def _sortable(text: str) -> tuple[bool, Any]:
    parsed = version(text)
    return (parsed is not None, parsed if parsed is not None else text)
