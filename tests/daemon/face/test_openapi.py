"""The description is what the application does: schemathesis asks it everything it can think of."""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest
from ipvsman.config.jsonschema import schemas
from ipvsman.face.answers import ANSWERS
from ipvsman.face.dialect import translated
from ipvsman.face.openapi import OPERATIONS, document

PATIENCE = 300


def drive(own, place, *options):
    """How many operations it has found nothing in. place: where it may leave what it notes."""
    host, port = own.server.api[0]
    line = [
        *(sys.executable, "-m", "schemathesis.cli", "run"),
        f"http://{host}:{port}/openapi.json",
        *("--phases", "examples,coverage,fuzzing", "--max-examples", "10"),
        *("--generation-deterministic", "--no-color", *options),
    ]
    done = subprocess.run(
        line, capture_output=True, text=True, timeout=PATIENCE, check=False, cwd=place
    )
    assert done.returncode == 0, done.stdout
    (tested,) = re.findall(r"^  Tested: (\d+)$", done.stdout, re.MULTILINE)
    return int(tested)


def test_the_application_does_what_is_described(daemon, tmp_path):
    own = daemon(write=True, rate=0, metrics={}, token="secret")
    known = "Authorization: Bearer secret"
    tested = drive(own, tmp_path, "-H", known, "--exclude-operation-id", "put_groups")
    # Where it has the description from, it does not ask again.
    assert tested == len(OPERATIONS) - 1 + len(["openapi.yaml", "metrics"])


def test_putting_groups_is_as_described(daemon, tmp_path):
    """But for what is only known with all drop-ins together, and refused."""
    own = daemon(write=True, rate=0)
    only = ("--include-operation-id", "put_groups")
    assert drive(own, tmp_path, *only, "--exclude-checks", "positive_data_acceptance") == 1


def test_every_operation_has_its_answer_described():
    assert {operation.name for operation in OPERATIONS} == ANSWERS.keys()


def described(**what):
    options = {"secured": False, "limited": False, "write": False, "metrics": False}
    return document(OPERATIONS, **{**options, **what})


def statuses(whole, path="/v1/config", method="put"):
    return set(whole["paths"][path][method]["responses"])


def test_a_listener_describes_itself():
    plain = described()
    assert "security" not in plain
    assert "/metrics" not in plain["paths"]
    assert statuses(plain) == {"200", "400", "403", "412", "413", "422", "507"}
    assert statuses(described(write=True)) == statuses(plain) - {"403"}
    assert statuses(described(secured=True)) == statuses(plain) | {"401"}
    assert statuses(described(limited=True)) == statuses(plain) | {"429"}
    assert described(secured=True)["security"] == [{"token": []}]
    assert "/metrics" in described(metrics=True)["paths"]


def test_every_reference_leads_somewhere():
    whole = described()
    names = re.findall(r'"\$ref": "([^"]+)"', json.dumps(whole))
    assert names
    for name in set(names):
        assert name.removeprefix("#/components/schemas/") in whole["components"]["schemas"]


def test_nothing_is_said_that_the_dialect_does_not_have():
    text = json.dumps([translated(each) for each in schemas()["groups"]["definitions"].values()])
    for word in ('"null"', '"type": [', "#/definitions/", '"examples"', '"const"', '"$schema"'):
        assert word not in text


@pytest.mark.parametrize(
    "before, after",
    [
        ({"type": ["integer", "string"]}, {"anyOf": [{"type": "integer"}, {"type": "string"}]}),
        (
            {"exclusiveMinimum": 0, "type": "number"},
            {"minimum": 0, "exclusiveMinimum": True, "type": "number"},
        ),
        ({"$ref": "#/definitions/x"}, {"$ref": "#/components/schemas/x"}),
        (
            {"anyOf": [{"type": "boolean"}, {"type": "null"}]},
            {
                "anyOf": [
                    {"type": "boolean"},
                    {"type": "string", "nullable": True, "enum": [None]},
                ]
            },
        ),
        ({"properties": {"type": {"examples": [1, 2]}}}, {"properties": {"type": {"example": 1}}}),
    ],
)
def test_the_dialect(before, after):
    assert translated(before) == after
