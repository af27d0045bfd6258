"""What becomes of a storage that says where it lived: torch/serialization.py, the registry of `register_package`."""

import re

from modeldoctor.predict.load.failures import Failure
from modeldoctor.predict.load.releases import Column

_ADVICE = (
    " If you are running on a CPU-only machine, please use torch.load with map_location=torch.device('cpu') to map "
    "your storages to the CPU."
)


def misplaced(column: Column, location: str, class_name: str, gpus: int) -> Failure | None:
    """None when a host with that many CUDA devices, and no other accelerator, restores the storage."""
    does = column.does
    if location == "cpu":
        return None
    if location.startswith("cuda") and ("generic_storages" not in does or re.match(r"cuda$|cuda(:|[0-9]+)", location)):
        return _cuda(location, gpus)
    if "mps_storages" in does and location.startswith("mps"):
        return _unavailable(
            "RuntimeError", f"torch.UntypedStorage(): Storage device not recognized: {location}", location
        )
    if "mps_storages" in does and location == "meta":  # came together with mps
        return None
    return _other(column, location) or _nobody(column, location, class_name)


def _other(column: Column, location: str) -> Failure | None:
    does = column.does
    if "generic_storages" in does:
        found = re.match(r"(privateuseone|hpu|xpu|mtia)(?:$|:|[0-9])", location)
        if found is None or (found[1] == "mtia" and "mtia_storages" not in does):
            return None
        if found[1] in {"privateuseone", "hpu"}:
            text = f"The {found[1].upper()} device module is not registered."
        else:
            text = (
                f"Attempting to deserialize object on a {found[1].upper()} device but torch.{found[1]}.is_available() "
                "is False."
            )
        return _unavailable("RuntimeError", text + _ADVICE, location)
    if "privateuse_storages" in does and location.startswith("privateuseone"):
        text = "Attempting to load the storages to the PRIVATEUSEONE device but it is not generated."
        return _unavailable("RuntimeError", text, location)
    if "hpu_claims_all" in does or ("hpu_storages" in does and location.startswith("hpu")):
        return _unavailable("AssertionError", "HPU device module is not loaded", location)
    return None


def _cuda(location: str, gpus: int) -> Failure | None:
    digits = re.search(r"\d+$", location)
    index = int(digits[0][:6]) if digits else 0
    if not gpus:
        text = "Attempting to deserialize object on a CUDA device but torch.cuda.is_available() is False." + _ADVICE
        return _unavailable("RuntimeError", text, location)
    if index >= gpus:
        text = f"Attempting to deserialize object on CUDA device {index} but torch.cuda.device_count() is {gpus}."
        return _unavailable("RuntimeError", text, location)
    return None


def _unavailable(exception: str, text: str, location: str) -> Failure:
    return Failure("device_unavailable", exception, text, location)


def _nobody(column: Column, location: str, class_name: str) -> Failure:
    if "mps_storages" in column.does:
        class_name = "torch.storage.UntypedStorage"
    elif "storage_types" in column.does:
        class_name = "torch.storage._UntypedStorage"
    text = f"don't know how to restore data location of {class_name} (tagged with {location})"
    return Failure("unknown_location_tag", "RuntimeError", text, location)
