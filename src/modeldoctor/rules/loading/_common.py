"""What the loading rules share."""

from modeldoctor.facts.load import LoadOutcome
from modeldoctor.facts.verdict import Verdict
from modeldoctor.findings import Where
from modeldoctor.rules.base import place

# Outcomes whose cause another rule names: damage of the file, and devices that are not there (MDR223).
OTHER_RULES = frozenset(
    {
        "zip_damaged",
        "zip_missing_entry",
        "zip_no_top_folder",
        "zip_bad_version_record",
        "zip_bad_byteorder_record",
        "zip_record_size_mismatch",
        "not_a_pickle",
        "empty_or_cut_pickle",
        "legacy_truncated",
        "legacy_bad_magic",
        "legacy_tar",
        "safetensors_error",
        "device_unavailable",
        "unknown_location_tag",
        "wo_wrapped_device_unavailable",
        "wo_wrapped_unknown_location_tag",
        "wo_wrapped_zip_missing_entry",
        "wo_wrapped_legacy_truncated",
        "wo_wrapped_legacy_bad_magic",
        "protocol0_persistent_id",
        "jit_unrecognized_format",
    }
)


def seen_as(outcome: LoadOutcome) -> tuple[str, str]:
    """The note with the error that the user meets."""
    exception = outcome.exception.rpartition(".")[2]
    return "seen as", f"{exception}: {outcome.message}" if exception else outcome.message


def at(verdict: Verdict, outcome: LoadOutcome) -> Where:
    """The opcode that the loader stops at, where it is known."""
    pickle = verdict.checkpoint.main_pickle
    if pickle is None or outcome.position is None:
        return Where(verdict.checkpoint.path, member=verdict.checkpoint.member)
    return place(verdict.checkpoint, pickle.member, pickle.offset + outcome.position)


def asked_for(verdict: Verdict) -> str:
    """`torch 2.6.0 (requirements.txt:3)`."""
    torch = verdict.target.torch
    if torch is None:
        return "torch"
    return f"torch {torch.text}" + (f" ({torch.source})" if torch.kind != "given" else "")


def at_global(verdict: Verdict, module: str, name: str) -> Where:
    """The opcode that names a global first."""
    for pickle in verdict.checkpoint.pickles:
        for entry in pickle.globals:
            if entry.module == module and entry.name == name:
                return place(verdict.checkpoint, pickle.member, pickle.offset + entry.position)
    return Where(verdict.checkpoint.path, member=verdict.checkpoint.member)
