"""What loading a file with one torch release, in one way, would give."""

from typing import NamedTuple


class LoadOutcome(NamedTuple):
    """The verdict for one release, one way of loading, and custom classes that are there or not.

    `mode`: `default` (torch.load as it is), `weights_only`, `full` (weights_only=False), `default_cpu` (with
    map_location="cpu"), `mmap` (mmap=True, weights_only=False), `jit` (torch.jit.load), `export` (torch.export.load),
    `safetensors`; `forward`, `jit_forward` and `export_forward`: a forward pass after it.
    `outcome`: `loads` | `loads with warning` | `refused` (by the restricted loader, whoever wrote the file) | `fails` |
    `unknown`. `outcome_class` names the cause in one word (`ok`, `wo_unsupported_global`, `zip_damaged`…).
    `exception` and `message` are what the user sees, shortened where torch says much; `reason` says why, `fix` what to
    do. `position` is the offset of the opcode in its pickle. `measured` are the releases whose measured behaviour the
    verdict rests on: one, or two when the release itself was not measured.
    """

    torch: str
    mode: str
    importable: bool
    outcome: str
    outcome_class: str
    exception: str = ""
    message: str = ""
    reason: str = ""
    fix: str = ""
    position: int | None = None
    measured: tuple[str, ...] = ()

    @property
    def loads(self) -> bool:
        """Whether the object comes back, warnings or not."""
        return self.outcome.startswith("loads")
