from tests.rules.builders import bad, good
from tests.rules.projects import HOST, skew

CASES = [
    bad(
        "another torch",
        skew(
            "torch==2.6.0\nflash-attn @ https://x.example/flash_attn-2.7.4+cu12torch2.5cxx11abiFALSE-cp312-cp312-linux_x86_64.whl\n"
        ),
        "built for torch 2.5",
        "torch 2.6.0",
        severity="error",
    ),
    bad(
        "the other ABI",
        skew(
            "torch==2.7.0\nflash-attn @ https://x.example/flash_attn-2.7.4+cu12torch2.7cxx11abiFALSE-cp312-cp312-linux_x86_64.whl\n"
        ),
        "the old C++ ABI",
    ),
    bad(
        "the new ABI with 2.6",
        skew(
            "torch==2.6.0\nflash-attn @ https://x.example/flash_attn-2.7.4+cu12torch2.6cxx11abiTRUE-cp312-cp312-linux_x86_64.whl\n"
        ),
        "the C++11 ABI",
    ),
    bad(
        "another CUDA major",
        skew(
            f"-i {HOST}/whl/cu118\ntorch==2.6.0\nhttps://x.example/flash_attn-2.7.4%2Bcu12torch2.6cxx11abiFALSE-cp312-cp312-linux_x86_64.whl\n"
        ),
        "CUDA 12",
    ),
    bad(
        "another Python",
        skew(
            "torch==2.6.0\nflash-attn @ https://x.example/flash_attn-2.7.4+cu12torch2.6cxx11abiFALSE-cp310-cp310-linux_x86_64.whl\n",
            python="3.12",
        ),
        "Python 3.10",
    ),
    bad(
        "a page of PyG",
        skew("-f https://data.example/whl/torch-2.0.0+cu117.html\ntorch==2.1.0\ntorch-scatter\n"),
        "built for torch 2.0.0",
    ),
    bad(
        "a page of detectron2",
        skew(
            f"-f https://x.example/detectron2/wheels/cu113/torch1.10/index.html\n--extra-index-url {HOST}/whl/cu113\ntorch==1.11.0+cu113\ndetectron2\n"
        ),
        "torch 1.10",
    ),
    good(
        "all parts agree",
        skew(
            "torch==2.6.0\nflash-attn @ https://x.example/flash_attn-2.7.4+cu12torch2.6cxx11abiFALSE-cp312-cp312-linux_x86_64.whl\n",
            python="3.12",
        ),
    ),
    good(
        "the new ABI of the cu126 build",
        skew(
            f"--extra-index-url {HOST}/whl/cu126\ntorch==2.6.0+cu126\nflash-attn @ https://x.example/flash_attn-2.7.4+cu12torch2.6cxx11abiTRUE-cp312-cp312-linux_x86_64.whl\n"
        ),
    ),
    good("the page agrees", skew("-f https://data.example/whl/torch-2.1.0+cu121.html\ntorch==2.1.0\ntorch-scatter\n")),
    good("sources", skew("torch==2.6.0\nflash-attn==2.7.4\n")),
]
