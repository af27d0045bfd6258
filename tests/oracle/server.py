"""What the real TorchServe does with archives: `python server.py ARCHIVE…`, with torchserve 0.12.0 and Java 17.

Starts one server on 127.0.0.1 in a folder of its own, registers each archive through the API, scales it to one worker and
sends one request. Prints one JSON object: archive → phase, HTTP code and message. It executes the archives.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request

PORT = int(os.environ.get("MODELDOCTOR_PORT", "28080"))
INFERENCE, MANAGEMENT = f"http://127.0.0.1:{PORT}", f"http://127.0.0.1:{PORT + 1}"
# The launch mechanism: where `posix_spawn` of the JVM fails after its first child, VFORK does not.
PROPERTIES = f"""inference_address={INFERENCE}
management_address={MANAGEMENT}
metrics_address=http://127.0.0.1:{PORT + 2}
grpc_inference_port={PORT + 3}
grpc_management_port={PORT + 4}
initial_worker_port={PORT + 100}
disable_system_metrics=true
disable_token_authorization=true
enable_model_api=true
vmargs=-Xmx512m -Djdk.lang.Process.launchMechanism=VFORK
"""


def call(method: str, url: str, body: bytes | None = None, timeout: float = 90) -> tuple[int | None, str]:
    headers = {"Content-Type": "application/json"} if body else {}
    request = urllib.request.Request(url, data=body, method=method, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=timeout) as answer:
            return answer.status, answer.read().decode("utf-8", "replace")
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode("utf-8", "replace")
    except OSError as error:
        return None, str(error)


def judge(path: str, store: str) -> dict[str, object]:
    """Register without a name, scale, ask."""
    name = os.path.basename(path)
    shutil.copy(path, store)
    code, text = call("POST", f"{MANAGEMENT}/models?" + urllib.parse.urlencode({"url": name}))
    if code != 200:
        return {"phase": "register", "http": code, "message": text[:300]}
    code, text = call("PUT", f"{MANAGEMENT}/models/m?min_worker=1&max_worker=1&synchronous=true")
    phase = "load"
    if code == 200:
        code, text = call("POST", f"{INFERENCE}/predictions/m", b"[1.0, 2.0, 3.0, 4.0]", 30)
        phase = "ok" if code == 200 else "infer"
    call("DELETE", f"{MANAGEMENT}/models/m")
    return {"phase": phase, "http": code, "message": text[:300]}


def main() -> None:
    """One server for all."""
    with tempfile.TemporaryDirectory() as folder:
        store = os.path.join(folder, "store")
        os.mkdir(store)
        with open(os.path.join(folder, "config.properties"), "w") as file:
            file.write(PROPERTIES + f"model_store={store}\n")
        command = [os.path.join(os.path.dirname(sys.executable), "torchserve"), "--start", "--foreground", "--ncs",
                   "--ts-config", "config.properties", "--model-store", store]  # fmt: skip
        environment = {
            **os.environ,
            "TEMP": folder,
            "LOG_LOCATION": f"{folder}/logs",
            "METRICS_LOCATION": f"{folder}/logs",
        }
        with open(os.path.join(folder, "console.txt"), "wb") as console:
            server = subprocess.Popen(command, cwd=folder, env=environment, stdout=console, stderr=console,
                                      start_new_session=True)  # fmt: skip
            try:
                for _ in range(120):
                    if call("GET", f"{INFERENCE}/ping", timeout=3)[0] == 200:
                        break
                    time.sleep(0.5)
                sys.stdout.write(json.dumps({path: judge(path, store) for path in sys.argv[1:]}, indent=1))
            finally:
                os.killpg(server.pid, signal.SIGTERM)
                server.wait(60)


if __name__ == "__main__":
    main()
