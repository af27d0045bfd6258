"""A container image reference → what is in it, by the grammar of its tag and never by the first number in it."""

import re
from functools import cache

from modeldoctor.facts.pins import Image
from modeldoctor.tables import table

# A reference has at most 255 characters for the name and 128 for the tag (distribution/reference).
MAX_REFERENCE = 400
# Images of other projects that are a Python, an operating system or a CUDA toolkit and say so in their tags.
_PYTHON = re.compile(
    r"^(?:docker\.io/)?(?:library/|bitnami/|circleci/|cimg/|amd64/|arm64v8/)?(?:python|pypy)"
    r"(?::(?P<python>3(?:\.\d+){0,2})?(?:rc\d+|a\d+|b\d+)?(?:-?(?P<rest>[\w.-]+))?)?$"
)
_PYTHON_IN_TAG = re.compile(r"(?:python|py)-?(3\.?\d{1,2})(?![\d])")
_OS = re.compile(
    r"^(?:docker\.io/)?(?:library/|amd64/|arm64v8/)?(?P<name>ubuntu|debian|centos|rockylinux|almalinux|fedora|alpine|amazonlinux)"
    r"(?:/\w+)?(?::(?P<tag>[\w.-]+))?$"
)
_LAMBDA = re.compile(r"(?:public\.ecr\.aws/)?lambda/python:(?P<python>3\.\d+)(?P<rest>[\w.-]*)$")
_UBUNTU = {
    "trusty": "14.04",
    "xenial": "16.04",
    "bionic": "18.04",
    "focal": "20.04",
    "jammy": "22.04",
    "noble": "24.04",
}
_DEBIAN = {"jessie": "8", "stretch": "9", "buster": "10", "bullseye": "11", "bookworm": "12", "trixie": "13"}


def read_image(reference: str, path: str, line: int | None, *, platform: str = "") -> Image:
    """What a reference says. A digest is ignored; an unknown image keeps its reference and nothing else."""
    reference = reference[:MAX_REFERENCE]
    bare = reference.split("@", 1)[0]
    image = Image(reference, path, line, platform=platform)
    host, _, rest = bare.partition("/")
    if rest and ("." in host or ":" in host) and host != "nvcr.io" and not rest.startswith("lambda/"):
        bare = rest  # a mirror: the grammars are about the path
    if bare == "pytorch/torchserve":
        bare += ":latest"
    for family, pattern in _grammars():
        found = pattern.search(bare)
        if found:
            fields = {key: text for key, text in found.groupdict().items() if text}
            return _filled(image._replace(family=family), fields)
    return _other(image, bare)


@cache
def _grammars() -> tuple[tuple[str, re.Pattern[str]], ...]:
    return tuple((family, re.compile(text)) for family, text in table("containers")["grammars"].items())


def _filled(image: Image, fields: dict[str, str]) -> Image:
    """The image with what the groups of its grammar matched."""
    family = image.family
    if family == "nvcr.io/nvidia/pytorch":
        row = table("containers")["ngc"].get(fields["yymm"], {})
        known = image._replace(
            torch=row.get("torch", ""), cuda=_minor(row.get("cuda", "")), python=row.get("python", "")
        )
        return known._replace(device="gpu", os="ubuntu")
    if family == "pytorch/torchserve":
        return _torchserve(image, fields)
    python = fields.get("py", "")
    image = image._replace(
        torch="" if fields.get("repo") == "vllm" else fields.get("torch", ""),
        cuda=_minor(fields.get("cuda", "") or _dotted(fields.get("cu", ""))),
        python=f"{python[0]}.{python[1:]}" if python else "",
        os=fields.get("os", "") or (f"ubuntu{fields['ubuntu']}" if "ubuntu" in fields else ""),
        device=fields.get("device", ""),
    )
    if family.startswith("AWS"):
        return _aws(image, fields)
    return image._replace(device="gpu") if image.cuda else image


def _aws(image: Image, fields: dict[str, str]) -> Image:
    """Short AWS tags leave out CUDA and Python; the table of images has them."""
    device = image.device or ("gpu" if image.cuda else "")
    for row in table("containers")["aws"]:
        if row["repo"] == fields.get("repo", "pytorch") and row["torch"] == image.torch:
            cuda = image.cuda or ("" if device == "cpu" else row["cuda"])
            return image._replace(python=image.python or row["py"], cuda=cuda, device=device)
    return image._replace(device=device)


def _torchserve(image: Image, fields: dict[str, str]) -> Image:
    releases = table("containers")["torchserve"]
    # `latest` stays what it is: the project has ended (its last release is the last row).
    release = releases.get(list(releases)[-1] if fields["ts"] == "latest" else fields["ts"], {})
    device = fields.get("dev2", "") or "cpu"
    cuda = re.search(r"nvidia/cuda:(\d+\.\d+)", release.get("gpu_base", ""))
    return image._replace(
        torch=release.get("torch", ""),
        device=device,
        cuda=cuda[1] if cuda and device == "gpu" else "",
        python="3.9" if release else "",
        os="ubuntu20.04" if release else "",
        floating=False,
    )


def _other(image: Image, bare: str) -> Image:
    """Images without a grammar of their own: Python, operating systems, and whoever names a Python in the tag."""
    found = _PYTHON.match(bare)
    if found:
        rest = found["rest"] or ""
        python = found["python"] or ""
        return image._replace(
            family="python", python=python, os=_os_of(rest), floating=python.count(".") < 1 or "latest" in rest
        )
    found = _LAMBDA.search(bare)
    if found:
        minor = int(found["python"].split(".")[1])
        # From 3.12 on the runtime stands on Amazon Linux 2023, before on Amazon Linux 2.
        return image._replace(
            family="lambda", python=found["python"], os="amzn2023" if minor >= 12 else "amzn2", device="cpu"
        )
    found = _OS.match(bare)
    if found:
        return _system(image, found["name"], found["tag"] or "latest")
    if re.match(r"(?:docker\.io/)?pytorch/pytorch(?::|$)", bare):
        return _pytorch(image, bare)
    repository, _, tag = bare.rpartition(":") if ":" in bare.rsplit("/", 1)[-1] else (bare, "", "latest")
    name = repository.rsplit("/", 1)[-1]
    if name == "python" and repository != name:
        return _other(image, f"python:{tag}")
    python = _PYTHON_IN_TAG.search(tag) or (_PYTHON_IN_TAG.search(name) if "python" in name else None)
    if python:
        text = python[1] if "." in python[1] else f"3.{python[1][1:]}"
        return image._replace(python=text, os=_os_of(tag), floating=False)
    return image._replace(floating=tag == "latest")


def _pytorch(image: Image, bare: str) -> Image:
    """`pytorch/pytorch` tags without a CUDA version: `latest`, `2.1.0-runtime`."""
    tag = bare.partition("pytorch/pytorch")[2].lstrip(":") or "latest"
    torch = re.match(r"(\d+\.\d+(?:\.\d+)?)(?:-|$)", tag)
    cuda = re.search(r"cuda(\d+\.\d+)", tag)
    return image._replace(
        family="pytorch/pytorch",
        torch=torch[1] if torch else "",
        cuda=cuda[1] if cuda else "",
        device="gpu",
        floating=torch is None,
    )


def _system(image: Image, name: str, tag: str) -> Image:
    if name in {"ubuntu", "debian"}:
        codes = _UBUNTU if name == "ubuntu" else _DEBIAN
        code = tag.partition("-")[0]
        version = codes.get(code) or (code if code[:1].isdigit() else "")
        kept = version.split(".")[: 1 if name == "debian" else 2]
        return image._replace(family=name, os=name + ".".join(kept), floating=not version)
    major = re.match(r"\d+", tag)
    short = {"amazonlinux": "amzn"}.get(name, name)
    system = "alpine" if name == "alpine" else f"{short}{major[0]}" if major else ""
    return image._replace(family=name, os=system, floating=tag == "latest")


def _os_of(rest: str) -> str:
    """The system named in the rest of a tag: `slim-bookworm`, `alpine3.19`, `22.04`."""
    for word in re.split(r"[-.]", rest):
        if word in _DEBIAN:
            return f"debian{_DEBIAN[word]}"
        if word in _UBUNTU:
            return f"ubuntu{_UBUNTU[word]}"
        if word.startswith("alpine"):
            return "alpine"
    found = re.search(r"ubuntu-?(\d+\.\d+)", rest)
    return f"ubuntu{found[1]}" if found else ""


def _minor(cuda: str) -> str:
    return ".".join(cuda.split(".")[:2])


def _dotted(digits: str) -> str:
    """`124` → `12.4`: the last digit is the minor."""
    return f"{digits[:-1]}.{digits[-1]}" if digits else ""
