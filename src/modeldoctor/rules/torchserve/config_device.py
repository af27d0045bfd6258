"""MDR646: `deviceType` or `deviceIds` is not what the server knows."""

from collections.abc import Iterator

from modeldoctor.facts.archive import Archive
from modeldoctor.findings import Hit, Severity
from modeldoctor.rules.base import Context, rule
from modeldoctor.rules.torchserve._told import told


@rule(
    Archive,
    code="MDR646",
    slug="config-device",
    severity=Severity.WARNING,
    since="0.1",
    summary="`deviceType` or `deviceIds` is not what the server knows",
)
def config_device(archive: Archive, context: Context) -> Iterator[Hit]:
    """`deviceType` is `cpu` or `gpu`; `deviceIds` are numbers of GPUs.

    ## What it finds
    Other device types (`cuda`, `neuron`) and lists with anything but numbers from 0 on (warning), and `gpu` (info),
    which becomes the CPU without a word on a host where the server sees none.

    ## Why it matters
    The model runs on another device than was meant, slower or out of memory.

    ## Seen as
    * `WARN ModelConfig - Invalid DeviceType:cuda`
    * `WARN Model - Invalid deviceId:0, ignore deviceIds list`

    The line stands in `logs/ts_log.log` and on the console; the HTTP answers stay 200.

    ## Fix
    Write `deviceType: gpu` and choose the cards with `deviceIds: [0, 1]`.

    ## References
    * github:pytorch/serve, `archive/model/ModelConfig.java`, `DeviceType`; `J/wlm/Model.java`
    """
    yield from told(archive, context, "config-device")
