#!/usr/bin/env python3
"""How long reading the source of a project takes, against parsing it.

Usage: python benchmarks/serving_speed.py [DIR] [--files N]

Without DIR a project of N files (1,000) is made in a temporary folder: a Django project of generated apps with models,
views, helpers and data, of which one in ten serves a model (`--dense`: each). Times `ast.parse` of every file and `read_source`, each in a process of
its own, in CPU seconds (best of three), and gives the peak memory of both.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

PARSE = """
import ast, os, resource, sys, time, warnings
warnings.simplefilter("ignore")
paths = [os.path.join(f, n) for f, _, ns in os.walk(sys.argv[1]) for n in ns if n.endswith(".py")]
started = time.process_time()
for path in paths:
    with open(path, "rb") as file:
        try:
            ast.parse(file.read())
        except (SyntaxError, ValueError):
            pass
seconds = time.process_time() - started
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(paths))
"""
READ = """
import resource, sys, time
from modeldoctor.readers.source.read import read_source
from modeldoctor.rules import rules_for
from modeldoctor.rules.base import Context
rules = rules_for("Source")
started = time.process_time()
source = read_source(sys.argv[1], ".")
found = [hit for rule in rules for hit in rule.check(source, Context())]
seconds = time.process_time() - started
print(seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, len(found))
"""
MODELS = """from django.db import models


class Item{n}(models.Model):
    name = models.CharField(max_length=80)
    created = models.DateTimeField(auto_now_add=True)
    image = models.ImageField(upload_to="items")

    class Meta:
        ordering = ["-created"]

    def __str__(self):
        return self.name

    @property
    def label(self):
        return f"{{self.name}} ({{self.pk}})"
"""
VIEWS = """from django.http import JsonResponse
from django.urls import path
from django.views import View

from app{n}.helpers import describe, predict
from app{n}.models import Item{n}


class Items(View):
    def get(self, request):
        items = Item{n}.objects.filter(name__startswith=request.GET.get("q", ""))[:50]
        return JsonResponse({{"items": [describe(item) for item in items]}})

    def post(self, request):
        item = Item{n}(name=request.POST["name"])
        item.save()
        return JsonResponse({{"id": item.pk, "prediction": predict(item)}})


def detail(request, pk):
    item = Item{n}.objects.get(pk=pk)
    if request.method == "DELETE":
        item.delete()
        return JsonResponse({{}})
    return JsonResponse(describe(item))


urlpatterns = [path("", Items.as_view()), path("<int:pk>", detail)]
"""
HELPERS = """import logging

from app{n}.ml import load

logger = logging.getLogger(__name__)


def describe(item):
    fields = {{"id": item.pk, "name": item.name}}
    if item.image:
        fields["image"] = item.image.url
    for key in list(fields):
        if fields[key] is None:
            del fields[key]
    return fields


def predict(item):
    try:
        return load()(item.image).tolist()
    except ValueError as error:
        logger.warning("no prediction: %s", error)
        return None
"""
ML = """import functools

import torch


@functools.lru_cache(maxsize=1)
def load():
    model = torch.load("models/{n}.pt", map_location="cpu", weights_only=True)
    return model.eval()
"""
OTHER = """import functools
import statistics


@functools.lru_cache(maxsize=1)
def load():
    with open("models/{n}.csv") as file:
        values = [float(line) for line in file if line.strip()]
    mean = statistics.fmean(values) if values else 0.0
    return lambda image: [value - mean for value in values]
"""
PLAIN = """import json
import os
from dataclasses import dataclass


@dataclass
class Row{n}:
    key: str
    value: float
    tags: list


def parse(text):
    rows = []
    for line in text.splitlines():
        key, _, value = line.partition(",")
        if not key or key.startswith("#"):
            continue
        rows.append(Row{n}(key, float(value or 0), sorted(set(key.split("_")))))
    return rows


def save(rows, path):
    data = [{{"key": row.key, "value": row.value, "tags": row.tags}} for row in rows]
    with open(os.path.join(path, "rows.json"), "w") as file:
        json.dump(data, file, indent=2)


def summary(rows):
    total = sum(row.value for row in rows)
    best = max(rows, key=lambda row: row.value, default=None)
    return {{"count": len(rows), "total": total, "best": best.key if best else None}}
"""


def make(root: Path, count: int, *, dense: bool = False) -> None:
    """A project of so many files."""
    kinds = {"models": MODELS, "views": VIEWS, "helpers": HELPERS, "ml": ML, "rows": PLAIN}
    for number in range(count):
        app, kind = number // len(kinds), list(kinds)[number % len(kinds)]
        folder = root / f"app{app}"
        folder.mkdir(exist_ok=True)
        text = kinds[kind] if kind != "ml" or dense or app % 10 == 0 else OTHER
        (folder / f"{kind}.py").write_text(text.format(n=app) * (3 if kind == "rows" else 1))


def measured(code: str, root: str) -> tuple[float, float, int]:
    """CPU seconds (best of three), peak memory in MiB, and the number that the code printed."""
    runs = []
    for _ in range(3):
        done = subprocess.run([sys.executable, "-c", code, root], capture_output=True, text=True, check=True)
        seconds, memory, number = done.stdout.split()
        runs.append((float(seconds), float(memory), int(number)))
    return min(runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, nargs="?", metavar="DIR")
    parser.add_argument("--files", type=int, default=1000)
    parser.add_argument("--dense", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        root = options.folder or Path(temporary)
        if options.folder is None:
            make(root, options.files, dense=options.dense)
        parse, parse_memory, count = measured(PARSE, str(root))
        read, read_memory, found = measured(READ, str(root))
    size = f"{count:,} files of {os.fspath(options.folder) if options.folder else 'a generated project'}"
    print(f"{size}\n  ast.parse    {parse:6.2f} s CPU  {parse_memory:5.0f} MiB")
    print(f"  read_source  {read:6.2f} s CPU  {read_memory:5.0f} MiB  {found} findings")
    print(f"  ratio        {read / parse:6.2f}")


if __name__ == "__main__":
    main()
