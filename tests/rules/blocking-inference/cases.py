from tests.rules.sources import fastapi, quiet, told

CASES = [
    told(
        "in the coroutine",
        fastapi("""
        net = Net()


        @app.post("/predict")
        async def predict(x: float):  # here
            with torch.no_grad():
                return net(x).tolist()
        """),
        "`net` computes on the event loop",
        "a plain `def`",
        severity="warning",
    ),
    told(
        "in a method that it calls",
        fastapi("""
        class Service:
            def __init__(self):
                self.net = torch.load("net.pt")

            def predict(self, x):
                return self.net(x)


        service = Service()


        @app.post("/predict")
        async def predict(x: float):  # here
            return service.predict(x)
        """),
    ),
    quiet(
        "a plain function",
        fastapi("""
        net = Net()


        @app.post("/predict")
        def predict(x: float):
            return net(x).tolist()
        """),
    ),
    quiet(
        "handed to a thread",
        "import asyncio\nfrom fastapi.concurrency import run_in_threadpool\n"
        + fastapi("""
        net = Net()


        def run(x):
            return net(x)


        @app.post("/a")
        async def a(x: float):
            return await asyncio.get_running_loop().run_in_executor(None, run, x)


        @app.post("/b")
        async def b(x: float):
            return await run_in_threadpool(run, x)


        @app.post("/c")
        async def c(x: float):
            return await asyncio.to_thread(lambda: net(x))
        """),
    ),
    quiet(
        "a dependency that FastAPI runs in a thread",
        fastapi("""
        net = Net()


        def prediction(x: float):
            return net(x).tolist()


        @app.post("/a")
        async def a(y=Depends(prediction)):
            return y
        """),
    ),
]
