"""Run in a process of its own: load samples with the loaders that execute them. Their payload makes a folder each.

Usage: python load_for_real.py pickle FILE… torch FILE…
"""

import pickle
import sys
import warnings

import torch


def main(arguments: list[str]) -> None:
    loader = "pickle"
    for argument in arguments:
        if argument in {"pickle", "torch"}:
            loader = argument
            continue
        try:
            if loader == "torch":
                torch.load(argument, weights_only=False)
            else:
                with open(argument, "rb") as file:
                    pickle.load(file)
        except Exception:  # noqa: BLE001 - most samples break after their payload
            continue


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    main(sys.argv[1:])
