#!/usr/bin/env python3
"""Every fault of labelled code blocks that a static reading can show, reported at its line.

Usage: python benchmarks/accuracy/seed_cases.py --seeds DIR --cases FILE [--all]

FILE lists blocks (`cases: [{id, seed, lines, language, framework, faults: [{line, fault}]}]`); each is cut out of the
page `DIR/<seed>_*.txt` and padded with empty lines, so that line numbers hold, then checked as a file of its own. A fault
counts as reported when a rule of `RULES` stands at its line, or names the line among the related places. Prints the
faults that are missed, those that no static reading can show with the reason, and findings that no fault stands for.
"""

import argparse
import re
import tempfile
from pathlib import Path

import yaml

from modeldoctor.findings import Hit
from modeldoctor.readers.source.read import read_source
from modeldoctor.rules import rules_for
from modeldoctor.rules.base import Context

# fault → rules that report it
RULES = {
    "per_request_load": ("load-per-request", "dependency-loads"),
    "full_module_load": ("loaded-as-module",),
    "weights_only_not_stated": ("weights-only-missing",),
    "missing_map_location": ("missing-map-location",),
    "relative_path": ("relative-model-path",),
    "missing_eval": ("missing-eval",),
    "missing_no_grad": ("missing-no-grad",),
    "no_error_handling": ("unhandled-inference-error",),
    "response_is_tensor_repr": ("tensor-in-response",),
    "non_serialisable_response": ("tensor-in-response",),
    "load_at_import_of_views": ("load-at-import",),
    "load_at_import": ("load-at-import",),
    "process_pool_per_request": ("process-pool-per-request",),
    "fork_with_loaded_model": ("model-before-fork",),
    "request_not_picklable": ("request-to-process",),
    "blocking_wait_without_timeout": ("endless-wait",),
    "incomplete_exception_list": ("load-errors-missed",),
    "swallowed_load_error": ("load-failure-swallowed",),
    "removed_api": ("removed-api",),
    "truthiness_of_model": ("model-truthiness",),
    "wrong_status": ("missing-model-status",),
    "no_input_validation": ("unvalidated-input",),
    "unvalidated_input": ("unvalidated-input",),
    "type_error_as_500": ("unvalidated-input",),
    "flask_debug": ("debug-mode",),
    "leaks_exception_text": ("exception-text-sent",),
    "blocking_in_coroutine": ("blocking-inference",),
    "client_controlled_path": ("client-chosen-file",),
    "load_error_as_500": ("dependency-loads",),
}
# fault → why a static reading of one block cannot show it, or whose it is
OUT_OF_REACH = {
    "undefined_name": "a plain linter fault (ruff F821)",
    "global_not_in_scope": "a plain linter fault (ruff F821): the page joins two files in one block",
    "model_load_in_orm_module": "only a comment calls the block models.py; its load is reported as load-at-import",
    "unused_import": "a plain linter fault (ruff F401)",
    "cause_hidden": "a plain linter fault (ruff B904)",
    "misleading_log": "what a log line means is for people to judge",
    "model_never_moved": "the move is a comment, and what the placeholder will be is not in the code",
    "item_on_multi_element": "depends on how many values the model returns",
    "input_not_tensor": "the placeholder takes a number; only its comment promises a module",
    "type_confusion": "a note on code that answers 400 as it should",
    "bool_accepted": "isinstance(True, int) is what the check asks; whether it should is a matter of the model",
    "falsy_body": "a note on a status that is arguable",
    "model_load_in_first_request": "the placeholder loads nothing: it returns a lambda",
    "raw_batch_into_model": "a matter of TorchServe's protocol (rules on handlers)",
    "file_not_in_archive": "needs the archive (rules on archives)",
    "pin_without_wheel": "a manifest (rules on versions)",
    "old_vulnerable_torch": "a manifest (rules on versions)",
    "torch_reinstalled_over_image": "a manifest and an image (rules on versions)",
    "code_fence_language": "the page's markup",
    "floating_tag": "a Dockerfile (rules on deployment)",
    "copy_to_file_not_directory": "a Dockerfile (rules on deployment)",
    "install_as_unprivileged_user": "a Dockerfile (rules on deployment)",
    "key_not_read": "TorchServe's configuration (rules on archives)",
}


def findings(code: str, name: str) -> list[tuple[str, Hit]]:
    """What the rules say about one file."""
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / name).write_text(code, encoding="utf-8")
        source = read_source(folder, ".")
    return [(rule.slug, hit) for rule in rules_for("Source") for hit in rule.check(source, Context())]


def lines_of(hit: Hit) -> set[int]:
    """The lines that a finding names."""
    places = [hit.where, *(other.where for other in hit.related)]
    return {place.line for place in places if place is not None and place.line is not None}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=Path, required=True)
    parser.add_argument("--cases", type=Path, required=True)
    parser.add_argument("--all", action="store_true")
    options = parser.parse_args()
    reported = missed = 0
    unseen: list[str] = []
    for case in yaml.safe_load(options.cases.read_text(encoding="utf-8"))["cases"]:
        page = next(options.seeds.glob(f"{case['seed']}_*.txt")).read_text(encoding="utf-8").split("\n")
        first, last = (int(number) for number in case["lines"].split("-"))
        code = "\n" * (first - 1) + "\n".join(page[first - 1 : last]) + "\n"
        named = re.search(r"# (\w+\.py)", page[first - 1])
        found = findings(code, named[1] if named else "app.py") if case["language"] == "python" else []
        told = set()
        for fault in case["faults"]:
            place = f"{case['id']}:{fault['line']} {fault['fault']}"
            rules = RULES.get(fault["fault"], ())
            hits = [(slug, hit) for slug, hit in found if slug in rules and fault["line"] in lines_of(hit)]
            told |= {id(hit) for _, hit in hits}
            exact = any(hit.where is not None and hit.where.line == fault["line"] for _, hit in hits)
            if hits:
                reported += 1
                if options.all:
                    print(f"reported  {place}: {hits[0][0]}{'' if exact else ' (related place)'}")
            elif fault["severity"] == "unsure":
                unseen.append(f"{place}: the label itself is in doubt, since the code that uses the model is left out")
            elif fault["fault"] in OUT_OF_REACH or case["language"] != "python":
                unseen.append(f"{place}: {OUT_OF_REACH.get(fault['fault'], case['language'])}")
            else:
                missed += 1
                print(f"missed    {place}")
        for slug, hit in found:
            if id(hit) not in told:
                print(f"also      {case['id']}:{hit.where.line if hit.where else '?'} {slug}: {hit.message}")
    print(f"\nout of reach ({len(unseen)}):")
    print("\n".join(f"  {text}" for text in unseen))
    print(f"\nreported: {reported}, missed: {missed}")


if __name__ == "__main__":
    main()
