from tests.rules.sources import flask, quiet, told

CASES = [
    told(
        "in the route",
        "from multiprocessing import Pool\n"
        + flask("""
        @app.get("/")
        def index():
            with Pool(4) as pool:  # here
                return pool.apply(len, ([],))
        """),
        "`multiprocessing.Pool` starts processes in every request",
        severity="error",
    ),
    quiet(
        "one pool for the process",
        "from concurrent.futures import ProcessPoolExecutor\n"
        + flask("""
        pool = ProcessPoolExecutor(2)


        @app.get("/")
        def index():
            return pool.submit(len, []).result(timeout=3)
        """),
    ),
    quiet(
        "threads",
        "from concurrent.futures import ThreadPoolExecutor\n"
        + flask("""
        @app.get("/")
        def index():
            with ThreadPoolExecutor() as pool:
                return pool.submit(len, []).result()
        """),
    ),
]
