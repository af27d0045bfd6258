from tests.rules.sources import flask, quiet, told

BODY = 'net = Net()\n\n\n@app.get("/")\ndef index():\n    try:\n        return str(net(1))\n'
CASES = [
    told(
        "its text",
        flask(BODY + '    except Exception as e:  # here\n        return jsonify({"error": str(e)}), 500\n'),
        "the text of any error, `e`",
        severity="warning",
    ),
    told(
        "in an f-string",
        flask(BODY + '    except Exception as error:  # here\n        return f"failed: {error}", 500\n'),
    ),
    quiet(
        "a fixed text",
        flask(BODY + '    except Exception:\n        app.logger.exception("x")\n        return "failed", 500\n'),
    ),
    quiet("one's own check", flask(BODY + "    except ValueError as e:\n        return str(e), 400\n")),
]
