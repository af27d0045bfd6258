"""Task queues: Celery, RQ, Dramatiq, Huey, arq."""

from modeldoctor.readers.source.frameworks.base import Framework

FRAMEWORK = Framework(
    name="celery",
    packages=("celery", "rq", "dramatiq", "huey", "django_rq", "huggingface_hub"),
    decorators={
        "celery.Celery().task": "background",
        "celery.shared_task": "background",
        "celery.task": "background",
        "celery.app.shared_task": "background",
        "dramatiq.actor": "background",
        "rq.decorators.job": "background",
        "django_rq.job": "background",
        "huey.RedisHuey().task": "background",
        "huey.contrib.djhuey.task": "background",
        "celery.signals.worker_process_init.connect": "startup",
        "celery.signals.worker_init.connect": "startup",
        "celery.signals.celeryd_init.connect": "startup",
    },
    # one Task object per worker process serves all its calls (celery/app/task.py: instantiation)
    bases={"celery.Task": {"__init__": "startup", "__call__": "background", "run": "background"},
           "celery.app.task.Task": {"__init__": "startup", "__call__": "background", "run": "background"}},
)  # fmt: skip
