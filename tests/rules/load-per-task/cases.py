from tests.rules.sources import quiet, told

CASES = [
    told(
        "a celery task",
        'import torch\nfrom celery import shared_task\n\n\n@shared_task\ndef classify(x):\n    return torch.load("n.pt")(x)  # here\n',
        "`torch.load` runs for every task",
        "worker_process_init",
        severity="warning",
    ),
    quiet(
        "kept on the task class",
        "import torch\nfrom celery import Celery, Task\n\napp = Celery()\n\n\nclass Predict(Task):\n    net = None\n\n"
        '    def __call__(self, *args):\n        if not self.net:\n            self.net = torch.load("n.pt")\n'
        "        return self.run(*args)\n\n\n@app.task(base=Predict, bind=True)\ndef classify(self, x):\n    return self.net(x)\n",
    ),
]
