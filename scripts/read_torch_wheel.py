"""Read a torch wheel and print its row for `facts/compat.yaml`: `python scripts/read_torch_wheel.py WHEEL…`.

To add a release: download its Linux x86_64 wheels (one per Python, or list the other Pythons by hand), run this script
on them, paste the row under `torch:`, set `meta.newest_torch` and `meta.collected`, add the builds of the release to
`cuda_variants` and the companions that were released with it, then run `scripts/build_compat_tables.py`. Nothing of a
wheel is executed.
"""

import argparse
import re
import sys
import zipfile
from collections.abc import Iterable
from pathlib import Path

# The string that torch.cuda.get_arch_list() splits (torch/csrc/cuda/Module.cpp, TORCH_CUDA_ARCH_FLAGS).
ARCHS = re.compile(rb"(?:(?:sm|compute)_\d{2,3}a? ){2,}(?:sm|compute)_\d{2,3}a?")
GLIBC = re.compile(rb"GLIBC_(\d+\.\d+)")
# std::string of the C++11 ABI, in mangled names.
CXX11 = b"__cxx1112basic_string"
# The NumPy 2 import shim looks for the module by its new name.
NUMPY2 = b"numpy._core"
# What is looked at of the largest library.
MAX_LIBRARY = 200 << 20


def row(path: Path) -> dict[str, str]:
    """What one wheel says, in the words of `facts/compat.yaml`."""
    with zipfile.ZipFile(path) as wheel:
        names = {name.split("/", 1)[-1]: name for name in wheel.namelist() if name.count("/") <= 2}
        metadata = wheel.read(next(name for name in wheel.namelist() if name.endswith(".dist-info/METADATA"))).decode()
        version = wheel.read("torch/version.py").decode()
        extension = wheel.read("torch/utils/cpp_extension.py").decode()
        library = b""
        if "lib/libtorch_python.so" in names:
            with wheel.open("torch/lib/libtorch_python.so") as stream:
                library = stream.read(MAX_LIBRARY)
    found = {
        "version": field(metadata, "Version"),
        "default_cuda": quoted(version, "cuda") or "none (a CPU wheel)",
        "requires_python": field(metadata, "Requires-Python"),
        "linux_x86_64_tag": path.stem.rsplit("-", 1)[-1].removesuffix("_x86_64"),
        "python_tag": path.stem.split("-")[-2],
        "runtime_version_string": quoted(version, "__version__"),
        "git_version": quoted(version, "git_version"),
        **requirements(metadata),
        **binary(library),
    }
    if re.search(r"^(?:import|from) pkg_resources", extension, re.MULTILINE):
        found["cpp_extension_imports_pkg_resources"] = "true"
    return {key: value for key, value in found.items() if value}


def field(metadata: str, name: str) -> str:
    """A header of METADATA."""
    found = re.search(rf"^{name}: *(.*)$", metadata, re.MULTILINE)
    return found[1].strip() if found else ""


def quoted(source: str, name: str) -> str:
    """A string constant of version.py."""
    found = re.search(rf"^{name}\s*(?::[^=]+)?=\s*['\"]([^'\"]+)['\"]", source, re.MULTILINE)
    return found[1] if found else ""


def requirements(metadata: str) -> dict[str, str]:
    """The pins that matter, from Requires-Dist."""
    found = {}
    for text in re.findall(r"^Requires-Dist: *(.*)$", metadata, re.MULTILINE):
        match = re.match(r"([\w.-]+)\s*(?:\[[^\]]*\])?\s*\(?([^;)]*)\)?", text)
        name, specifier = (match[1].lower(), match[2].strip()) if match else ("", "")
        for key, pattern in (("triton", "triton"), ("cudnn", "nvidia-cudnn-cu"), ("nccl", "nvidia-nccl-cu")):
            if name == pattern or (pattern.endswith("-cu") and name.startswith(pattern)):
                found[key] = specifier.removeprefix("==")
        if name in {"setuptools", "typing-extensions"}:
            found[name.replace("-", "_")] = specifier or "any"
    return found


def binary(library: bytes) -> dict[str, str]:
    """GPU code, glibc, C++ ABI and the NumPy 2 shim, from libtorch_python.so."""
    if not library:
        return {}
    archs = ARCHS.search(library)
    codes = re.findall(rb"sm_(\d+)", archs[0]) if archs else []
    ptx = re.findall(rb"compute_(\d+)", archs[0]) if archs else []
    levels = [tuple(map(int, text.split(b"."))) for text in GLIBC.findall(library)]
    newest = max(levels, default=None)
    return {
        "default_wheel_sm": f"[{', '.join(code.decode() for code in codes)}]" if codes else "",
        "ptx": f"[{', '.join(code.decode() for code in ptx)}]" if ptx else "",
        "glibc_min_measured": f"GLIBC_{newest[0]}.{newest[1]}" if newest else "",
        "cxx11_abi": str(CXX11 in library).lower(),
        "numpy2_ok": str(NUMPY2 in library).lower(),
    }


def merged(paths: Iterable[Path]) -> dict[str, str]:
    """The rows of several wheels of one release as one, with all Pythons."""
    rows = [row(path) for path in paths]
    pythons = sorted({python(found.pop("python_tag", "")) for found in rows}, key=lambda text: (len(text), text))
    return {**rows[0], "python": f"[{', '.join(repr(text) for text in pythons if text)}]"}


def python(tag: str) -> str:
    """`cp313` → `3.13`, `cp313t` → `3.13t`."""
    found = re.fullmatch(r"cp(\d)(\d+)(t?)m?", tag)
    return f"{found[1]}.{found[2]}{found[3]}" if found else ""


def main() -> int:
    """Print the row."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("wheels", nargs="+", type=Path, help="Linux x86_64 wheels of one release")
    options = parser.parse_args()
    found = merged(options.wheels)
    print(f"- version: {found.pop('version')}")
    print("  released: ''  # the upload date in the registry")
    for key, value in found.items():
        print(f"  {key}: {value}")
    name = options.wheels[0].name
    print(f"  source: 'package metadata ({name}): METADATA, torch/version.py; torch/lib/libtorch_python.so'")
    return 0


if __name__ == "__main__":
    sys.exit(main())
