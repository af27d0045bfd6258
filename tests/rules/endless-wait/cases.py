from tests.rules.sources import flask, quiet, told

HEAD = "from multiprocessing import Pool\n"
CASES = [
    told(
        "get without a timeout",
        HEAD
        + flask("""
        @app.get("/")
        def index():
            with Pool() as pool:
                result = pool.apply_async(len, ([],))
                return result.get()  # here
        """),
        "`result.get()` waits without a limit",
        severity="warning",
    ),
    quiet(
        "with a timeout",
        HEAD
        + flask("""
        @app.get("/")
        def index():
            with Pool() as pool:
                return pool.apply_async(len, ([],)).get(timeout=30)
        """),
    ),
]
