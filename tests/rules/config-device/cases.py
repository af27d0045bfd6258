from tests.rules.archives import configured
from tests.rules.builders import bad, good

CASES = [
    bad("cuda", configured("deviceType: cuda\n"), "`cuda`", severity="warning"),
    bad("gpu", configured("deviceType: gpu\n"), "becomes the CPU", severity="info"),
    bad("names", configured("deviceIds: [cuda0]\n"), "whole list"),
    good("cpu", configured("deviceType: cpu\ndeviceIds: [0]\n")),
]
