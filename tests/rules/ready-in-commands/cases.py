from tests.rules.sources import quiet, told

CASES = [
    told(
        "ready",
        {
            "ml/apps.py": 'import torch\nfrom django.apps import AppConfig\n\n\nclass Ml(AppConfig):\n    def ready(self):\n        self.net = torch.load("n.pt")  # here\n'
        },
        "`Ml.ready()`",
        severity="info",
    ),
    quiet(
        "a cached getter",
        {
            "ml/views.py": 'import functools\nimport torch\nfrom django.urls import path\n\n\n@functools.cache\ndef get():\n    return torch.load("n.pt")\n\n\ndef index(request):\n    return get()(1)\n\n\nurlpatterns = [path("", index)]\n'
        },
    ),
]
