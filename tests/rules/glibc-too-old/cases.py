from tests.rules.builders import bad, good
from tests.rules.projects import docker, skew

CASES = [
    bad(
        "Ubuntu 18.04",
        skew(
            docker(
                "RUN apt-get update && apt-get install -y python3.9 && pip install torch==2.7.0", base="ubuntu:18.04"
            )
        ),
        "needs glibc 2.28, and ubuntu18.04 has 2.27",
        severity="error",
    ),
    bad("CentOS 7", skew(docker("RUN pip3 install torch==2.8.0", base="nvidia/cuda:11.8.0-devel-centos7")), "2.17"),
    bad(
        "Alpine",
        skew(docker("RUN pip install torch", base="python:3.10-alpine")),
        "no torch has a wheel for Alpine",
        "from versions: none",
    ),
    good("new enough", skew(docker("RUN pip install torch==2.7.0", base="ubuntu:22.04"))),
    good("an older torch", skew(docker("RUN pip install torch==1.10.0", base="ubuntu:18.04"))),
    good("not known", skew(docker("RUN pip install torch==2.7.0"))),
    good("a range finds an older one", skew(docker("RUN pip3 install 'torch<2.8'", base="ubuntu:18.04"))),
]
