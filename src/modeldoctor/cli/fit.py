"""`modeldoctor fit TARGET`."""

from typing import Annotated, Any, Literal

import typer

from modeldoctor.cli.options import HELP_OPTIONS, Color, ConfigFile, NoConfig, Verbosity

app = typer.Typer(add_completion=False, rich_markup_mode=None, context_settings=HELP_OPTIONS)

_Text = str | None
_Number = int | None


@app.command()
def fit(
    target: Annotated[
        str,
        typer.Argument(
            metavar="TARGET",
            help="A model file or folder, a config.json, an index, or a saved `inspect --format json`.",
        ),
    ],
    gpu: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="The GPU or machine: t4, a100-80, 2xl4, g5.xlarge; none for a host without."),
    ] = None,
    gpu_memory: Annotated[_Text, typer.Option(metavar="SIZE", help="The memory of one GPU, such as 16GiB.")] = None,
    gpus: Annotated[_Number, typer.Option(metavar="N", help="How many such GPUs there are.")] = None,
    place: Annotated[
        Literal["first", "spread", "split"],
        typer.Option(help="Where workers go: all on the first GPU, on the GPUs in turn, or one model split over all."),
    ] = "first",
    workers: Annotated[int, typer.Option(metavar="N", help="Processes that each load the model.")] = 1,
    copies: Annotated[int, typer.Option(metavar="N", help="Models in one process, loaded at the same time.")] = 1,
    threads: Annotated[int, typer.Option(metavar="N", help="Threads of a process that compute at the same time.")] = 1,
    batch: Annotated[
        _Number, typer.Option(metavar="N", help="Items or sequences at once (default: that of the trace, else 1).")
    ] = None,
    context: Annotated[
        _Number, typer.Option(metavar="TOKENS", help="Tokens per sequence, prompt and answer together.")
    ] = None,
    prompt: Annotated[
        _Number,
        typer.Option(metavar="TOKENS", help="Tokens of the prompt, read in at once (default: all of --context)."),
    ] = None,
    dtype: Annotated[
        Literal["float64", "float32", "float16", "bfloat16", "float8", "int8", "int4"] | None,
        typer.Option(help="The dtype that the code serves in (default: as stored)."),
    ] = None,
    kv_dtype: Annotated[
        Literal["float32", "float16", "bfloat16", "float8", "int8"] | None,
        typer.Option(help="The dtype of the KV cache."),
    ] = None,
    attention: Annotated[
        Literal["sdpa", "eager"] | None, typer.Option(help="How attention is computed (default: sdpa).")
    ] = None,
    logits: Annotated[
        Literal["last", "all"] | None,
        typer.Option(help="Of which tokens logits are made: `generate` makes those of the last one (default)."),
    ] = None,
    transformers: Annotated[
        _Text, typer.Option(metavar="VERSION", help="The transformers that serves it, if it is an old one.")
    ] = None,
    load: Annotated[
        _Text,
        typer.Option(
            metavar="WAY", help="How the code loads it: state-dict, mmap, whole, bytesio, gpu… (`--load list`)."
        ),
    ] = None,
    grad: Annotated[bool, typer.Option("--grad", help="The code runs without no_grad or inference_mode.")] = False,
    host_memory: Annotated[
        _Text, typer.Option(metavar="SIZE", help="The memory limit of the container or pod.")
    ] = None,
    timeout: Annotated[
        float | None, typer.Option(metavar="SECONDS", help="When a worker that still loads is ended.")
    ] = None,
    trace: Annotated[
        _Text,
        typer.Option(
            metavar="MODULE:FACTORY", help="Trace the model that this makes. Runs its code, in a process of its own."
        ),
    ] = None,
    input: Annotated[  # noqa: A002 - the option's name
        list[str] | None,
        typer.Option(metavar="SHAPE", help="An input of the trace, such as 1x3x224x224 or 1x128:int64."),
    ] = None,
    interpreter: Annotated[
        _Text, typer.Option(metavar="PYTHON", help="The interpreter that has torch and the model's code.")
    ] = None,
    trace_seconds: Annotated[float, typer.Option(metavar="SECONDS", help="When to give the trace up.")] = 60,
    torch: Annotated[_Text, typer.Option(metavar="VERSION", help="The torch that serves it.")] = None,
    cuda: Annotated[_Text, typer.Option(metavar="VERSION", help="The CUDA of that torch, or cpu.")] = None,
    format: Annotated[  # noqa: A002 - the option's name
        Literal["terminal", "plain", "json"] | None,
        typer.Option(help="What to print; on a terminal `terminal`, else `plain`."),
    ] = None,
    config: ConfigFile = None,
    no_config: NoConfig = False,
    color: Color = "auto",
    verbose: Verbosity = 0,
) -> int:
    """Say whether a model fits a GPU, with how many workers, and what the sum is made of.

    Exits with 1 when it does not fit, with 0 when it fits, is tight or unknown, and with 2 when the job could not be
    done.
    """
    from modeldoctor import fitting
    from modeldoctor.cli import output
    from modeldoctor.config import resolve

    if load == "list":  # the target is not looked at
        from modeldoctor.reporters.fit import ways

        return output.show(ways(), format, color, 0)
    settings = resolve({"torch": torch, "cuda": cuda, "gpu": gpu}, file=config, search=not no_config)
    options: dict[str, Any] = {
        "gpu_memory": gpu_memory, "gpus": gpus, "place": place, "workers": workers, "copies": copies,
        "threads": threads, "batch": batch, "context": context, "prompt": prompt, "dtype": dtype, "kv_dtype": kv_dtype,
        "attention": attention, "logits": logits, "transformers": transformers, "load": load, "grad": grad,
        "host_memory": host_memory, "timeout": timeout, "trace": trace, "input": input,
        "interpreter": interpreter, "trace_seconds": trace_seconds,
    }  # fmt: skip
    found = fitting.fit(target, settings.target, options)
    code = 1 if found.verdict == "does not fit" else 0
    if format == "json":
        from modeldoctor.reporters.fit_json import fit_text

        return output.write(fit_text(found), code)
    from modeldoctor.reporters.fit import lines

    return output.show(lines(found, width=output.width(), verbose=verbose > 0), format, color, code)
