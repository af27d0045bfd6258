from tests.rules.builders import bad, good, skipped
from tests.rules.projects import HOST, docker, skew

CASES = [
    bad(
        "in one file",
        skew("torch==2.1.0\ntorchvision==0.15.2\n"),
        "torchvision 0.15.2 does not work with torch 2.1.0",
        "torch==2.0.1",
        "`torchvision==0.16.0`",
        "requirements.txt",
        severity="error",
    ),
    bad(
        "in one RUN line",
        skew(docker("RUN pip install torch==2.6.0 torchvision==0.20.1")),
        "torchvision 0.20.1",
        "Dockerfile",
        "`pip install torch==2.6.0 torchvision==0.21.0`",
    ),
    bad(
        "in an included file",
        skew(
            docker(
                "RUN pip install -r requirements.txt",
                **{"requirements.txt": "-r base.txt\ntorchvision==0.20.1\n", "base.txt": "torch==2.6.0\n"},
            )
        ),
        "requirements.txt",
        "base.txt",
    ),
    bad(
        "in a lock",
        skew(
            {
                "uv.lock": '[[package]]\nname = "torch"\nversion = "2.6.0"\n[[package]]\nname = "torchvision"\nversion = "0.20.1"\n'
            }
        ),
        "uv.lock",
    ),
    bad(
        "a range that leaves nothing",
        skew("torch==2.1.0\ntorchvision>=0.17,<0.18\n"),
        "no torchvision that",
        "works with torch 2.1.0",
    ),
    bad("torchaudio", skew("torch==2.1.0\ntorchaudio==2.0.2\n"), "torchaudio 2.0.2"),
    bad("the last torchaudio with an old torch", skew("torch==2.1.0\ntorchaudio==2.11.0\n"), "built for another torch"),
    bad("torchtext after its end", skew("torch==2.1.0\ntorchtext==0.15.2\n"), "torchtext 0.15.2"),
    bad("two pairs", skew("torch==2.1.0\ntorchvision==0.15.2\ntorchaudio==2.0.2\n"), "torchvision", hits=2),
    bad(
        "conda",
        skew({"environment.yml": "dependencies:\n- pytorch==2.1.0\n- torchvision==0.15.2\n"}),
        "environment.yml",
        "conda install pytorch==2.1.0 torchvision==0.16.0",
    ),
    bad(
        "a flag asks about another torch",
        skew("torch==2.1.0\ntorchvision==0.16.0\n", torch="2.6.0"),
        "torchvision 0.16.0 does not work with torch 2.6.0",
    ),
    good("the right pair", skew("torch==2.1.0\ntorchvision==0.16.0\ntorchaudio==2.1.0\n")),
    good(
        "the local version does not matter",
        skew(f"--extra-index-url {HOST}/whl/cu118\ntorch==2.1.0+cu118\ntorchvision==0.16.0+cu118\n"),
    ),
    good("torchvision decides for an open torch", skew("torch\ntorchvision==0.15.2\n")),
    good("an open torchvision", skew("torch==2.1.0\ntorchvision\n")),
    good("loose from 0.29.1 on", skew("torch==2.15.0\ntorchvision==0.29.2\ntorchaudio==2.11.0\n")),
    good(
        "a marker for another system",
        skew("torch==2.1.0\ntorchvision==0.16.0\ntorchvision==0.15.2; sys_platform == 'win32'\n"),
    ),
    skipped("a torchvision that is not known", skew("torch==2.15.0\ntorchvision==0.31.0\n"), "not in the tables"),
    skipped("a torch that is not known", skew("torch==99.0\ntorchvision==0.29.2\n"), "newer than the tables"),
]
