"""What the real loader of TorchServe does with archives: `python loader.py ARCHIVE…` in an environment with torchserve.

Prints one JSON object: archive → phase (`load`, `infer`, `ok`) and the error. Each archive is unpacked into a folder of its
own and loaded in a child process. It executes the archives: give it only those that you trust.
"""

import json
import logging
import os
import subprocess
import sys
import tarfile
import tempfile
import zipfile

REQUEST = {"name": "body", "value": [1.0, 2.0, 3.0, 4.0], "contentType": "application/json"}


def unpack(path: str, folder: str) -> str:
    """As the frontend does: a zip, or a tar without its first folder."""
    if path.endswith(".mar"):
        with zipfile.ZipFile(path) as archive:
            archive.extractall(folder)
        return folder
    with tarfile.open(path) as archive:
        for member in archive.getmembers():
            name = member.name.partition("/")[2] or member.name
            goal = os.path.join(folder, name)
            os.makedirs(os.path.dirname(goal), exist_ok=True)
            with open(goal, "wb") as file:
                file.write(archive.extractfile(member).read() if member.isreg() else b"")
    return folder


def load(folder: str) -> dict[str, object]:
    """Load the archive in this process, as a worker would, and send one request."""
    import ts
    from ts import model_service_worker  # noqa: F401 - what a worker imports comes first
    from ts.metrics.metric_cache_yaml_impl import MetricsCacheYamlImpl
    from ts.model_loader import ModelLoaderFactory

    handler = None
    try:
        with open("MAR-INF/MANIFEST.json", encoding="utf-8-sig") as file:
            text = "".join(line for line in file if not line.startswith("//"))
        handler = json.loads(text)["model"].get("handler")
    except (OSError, ValueError, KeyError):
        pass
    metrics = MetricsCacheYamlImpl(os.path.join(os.path.dirname(ts.__file__), "configs", "metrics.yaml"))
    metrics.initialize_cache()
    metrics.model_name = "m"
    try:
        service = ModelLoaderFactory.get_model_loader().load(
            "m", folder, handler or folder, None, 1, None, True, metrics
        )
    except BaseException as error:  # noqa: BLE001 - whatever it is, the worker dies of it
        return {"phase": "load", "error": f"{type(error).__name__}: {error}"[:300]}
    service.set_cl_socket(None)
    answer = bytes(service.predict([{"requestId": b"r", "parameters": [REQUEST]}]))
    code = int.from_bytes(answer[:4], "big")
    return {"phase": "ok" if code == 200 else "infer", "error": "" if code == 200 else str(answer[8:200])}


def main() -> None:
    """Every archive in a process of its own, with the model folder first on its path."""
    if sys.argv[1] == "--one":
        logging.disable(logging.CRITICAL)
        out, sys.stdout = sys.stdout, sys.stderr
        found = load(os.getcwd())
        out.write(json.dumps(found))
        return
    results = {}
    for path in sys.argv[1:]:
        with tempfile.TemporaryDirectory() as folder:
            try:
                unpack(path, folder)
            except (OSError, ValueError, zipfile.BadZipFile, tarfile.TarError) as error:
                results[path] = {"phase": "register", "error": str(error)[:200]}
                continue
            environment = {**os.environ, "PYTHONPATH": folder, "PYTHONDONTWRITEBYTECODE": "1"}
            done = subprocess.run([sys.executable, os.path.abspath(__file__), "--one"], cwd=folder, env=environment,
                                  capture_output=True, text=True, timeout=120, check=False)  # fmt: skip
        try:
            results[path] = json.loads(done.stdout)
        except ValueError:
            results[path] = {"phase": "load", "error": done.stderr.strip()[-300:]}
    sys.stdout.write(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
