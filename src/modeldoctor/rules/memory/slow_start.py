"""MDR407: loading takes longer than the server waits for a worker."""

from collections.abc import Iterator

from modeldoctor.facts.memory import Memory
from modeldoctor.findings import Confidence, Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.wording import listing


@rule(
    Memory,
    code="MDR407",
    slug="slow-start",
    severity=Severity.WARNING,
    since="0.1",
    summary="loading the model takes longer than the worker's timeout",
    confidence=Confidence.MEDIUM,
)
def slow_start(found: Memory, context: Context) -> Iterator[Hit]:
    """A worker is ended while it still loads its model, and started again to be ended again.

    ## What it finds
    The time until the model is loaded (reading the file, building the module, importing torch) against the timeout that
    the deployment sets: gunicorn's `timeout`, a liveness probe without a startup probe, TorchServe's response timeout.
    A warning when the likely time from a local NVMe disk is above it, an info when only slower storage is: a cloud
    disk or a network volume.

    ## Why it matters
    gunicorn's arbiter ends a synchronous worker that has not reported for 30 seconds, and importing the application
    counts. Kubernetes restarts a container whose liveness probe fails three times. Neither knows that the worker was
    busy, and each new attempt competes for the same disk.

    ## Seen as
    * `[CRITICAL] WORKER TIMEOUT (pid:42)`
    * `Liveness probe failed: … connection refused`, `Back-off restarting failed container`

    ## Fix
    Give the start its own time: `timeout = 300` in gunicorn.conf.py, a `startupProbe` in the pod. Load less:
    safetensors or `mmap=True`, the weights without the optimizer, half precision on disk.

    ## References
    * https://docs.gunicorn.org/en/stable/settings.html, `timeout`
    * https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/
    """
    del context
    serving = found.serving
    if serving.timeout_seconds is None:
        return
    slow = [start for start in found.startup if start.exceeds]
    if not slow:
        return
    always = len(slow) == len(found.startup)
    least = min(start.likely for start in slow)
    what = serving.timeout_what or "the timeout"
    where = "any disk" if always else listing([start.disk for start in slow])
    yield Hit(
        f"loading takes about {least:.0f} s or more from {where}, {what} is {serving.timeout_seconds:g} s",
        where=serving.timeout_where,
        severity=None if always else Severity.INFO,
        fix=f"raise {what} above {max(start.high for start in slow):.0f} s, or load less (safetensors, `mmap=True`)",
        notes=tuple((start.disk, f"{start.low:.0f} to {start.high:.0f} s") for start in found.startup),
    )
