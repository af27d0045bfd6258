"""What SARIF 2.1.0 allows of the properties that we write: nothing else may appear.

Written from the specification (sections 3.13 to 3.58). Where the official schema lies on this machine, name it in
`MODELDOCTOR_SARIF_SCHEMA` and every log is held against that too.
"""

import json
import os
from pathlib import Path
from typing import Any

import jsonschema

LEVEL = {"enum": ["none", "note", "warning", "error"]}
TEXT = {"type": "string", "minLength": 1}
BAG = {"type": "object"}


def form(required: str = "", **properties: Any) -> dict[str, Any]:
    """An object with these properties and no others."""
    return {
        "type": "object",
        "properties": properties,
        "required": required.split(),
        "additionalProperties": False,
    }


def rows(item: dict[str, Any]) -> dict[str, Any]:
    return {"type": "array", "items": item}


MESSAGE = form("text", text=TEXT, markdown=TEXT)
REGION = form(
    "startLine",
    startLine={"type": "integer", "minimum": 1},
    startColumn={"type": "integer", "minimum": 1},
    endLine={"type": "integer", "minimum": 1},
    endColumn={"type": "integer", "minimum": 1},
    snippet=form("text", text={"type": "string"}),
)
# RFC 3986: a reference has no spaces, controls, angle brackets or characters beyond ASCII.
URI = {"type": "string", "pattern": r"^[A-Za-z0-9\-._~:/?#@!$&'()*+,;=%]+$"}
PHYSICAL = form("artifactLocation region", artifactLocation=form("uri", uri=URI), region=REGION)
LOGICAL = form("name", name=TEXT, fullyQualifiedName=TEXT, kind=TEXT)
LOCATION = form(
    "physicalLocation",
    id={"type": "integer", "minimum": 0},
    physicalLocation=PHYSICAL,
    logicalLocations=rows(LOGICAL),
    message=MESSAGE,
)
RULE = form(
    "id shortDescription fullDescription help defaultConfiguration",
    id=TEXT,
    name=TEXT,
    shortDescription=MESSAGE,
    fullDescription=MESSAGE,
    help=MESSAGE,
    helpUri=URI,
    defaultConfiguration=form("level", level=LEVEL),
    properties=BAG,
)
RESULT = form(
    "ruleId ruleIndex level message locations partialFingerprints",
    ruleId=TEXT,
    ruleIndex={"type": "integer", "minimum": 0},
    level=LEVEL,
    message=MESSAGE,
    locations={**rows(LOCATION), "minItems": 1},
    relatedLocations=rows(LOCATION),
    partialFingerprints={"type": "object", "additionalProperties": TEXT},
    suppressions=rows(
        form(
            "kind",
            kind={"enum": ["inSource", "external"]},
            status={"enum": ["accepted"]},
            justification={"type": "string"},
        )
    ),
    properties=BAG,
)
NOTIFICATION = form(
    "level message", level=LEVEL, message=MESSAGE, locations=rows(LOCATION), associatedRule=form("id", id=TEXT)
)
RUN = form(
    "tool results invocations automationDetails",
    tool=form(
        "driver",
        driver=form(
            "name version semanticVersion rules",
            name=TEXT,
            version=TEXT,
            semanticVersion=TEXT,
            informationUri=URI,
            rules=rows(RULE),
        ),
    ),
    automationDetails=form("id", id={"type": "string", "pattern": "/$"}),
    columnKind={"enum": ["unicodeCodePoints"]},
    invocations={
        **rows(
            form(
                "executionSuccessful exitCode",
                executionSuccessful={"type": "boolean"},
                exitCode={"enum": [0, 1, 2]},
                exitCodeDescription=TEXT,
                toolExecutionNotifications=rows(NOTIFICATION),
                toolConfigurationNotifications=rows(NOTIFICATION),
                properties=BAG,
            )
        ),
        "minItems": 1,
    },
    results=rows(RESULT),
)
LOG = form("version runs", **{"$schema": URI}, version={"const": "2.1.0"}, runs={**rows(RUN), "minItems": 1})


def valid(text: str) -> Any:
    """The log as parsed; an assertion when it is none."""
    log = json.loads(text)
    jsonschema.validate(log, LOG)
    official = os.environ.get("MODELDOCTOR_SARIF_SCHEMA")
    if official:
        jsonschema.validate(log, json.loads(Path(official).read_text(encoding="utf-8")))
    for result in log["runs"][0]["results"]:
        assert log["runs"][0]["tool"]["driver"]["rules"][result["ruleIndex"]]["id"] == result["ruleId"]
    return log
