from tests.rules.sources import fastapi, quiet, told

HEAD = "from transformers import AutoTokenizer\n"

CASES = [
    told(
        "in the handler",
        HEAD
        + fastapi("""
        @app.post("/count")
        def count(text: str):
            return len(AutoTokenizer.from_pretrained("gpt2")(text))  # here
        """),
        "`AutoTokenizer.from_pretrained` runs for every request",
        severity="warning",
    ),
    quiet(
        "beside the model",
        HEAD
        + fastapi("""
        tokenizer = AutoTokenizer.from_pretrained("gpt2")


        @app.post("/count")
        def count(text: str):
            return len(tokenizer(text))
        """),
    ),
]
