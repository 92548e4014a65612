import json
import warnings
from pathlib import Path

import pytest
from ipvsman.config.complaints import Complaints
from ipvsman.config.jsonschema import schema, schemas
from ipvsman.config.yamlmarks import read_yaml

with warnings.catch_warnings():
    # It warns of a package of its own that it does not use here.
    warnings.simplefilter("ignore")
    import jsonschema

EXAMPLES = Path(__file__).resolve().parents[3] / "examples" / "ipvsman"
FILES = sorted(EXAMPLES.glob("*/*.yaml"))


def read(text):
    """What an editor sees: it knows no binary."""
    content = text if isinstance(text, bytes) else text.encode()
    return read_yaml(content.replace(b"!!binary ", b""), "f.yaml", Complaints()).data


def faults(folder, text):
    judge = jsonschema.Draft7Validator(schemas()[folder])
    return list(judge.iter_errors(read(text)))


def test_the_schemas_are_schemas_and_json():
    for each in [schema(), *schemas().values()]:
        jsonschema.Draft7Validator.check_schema(each)
        assert json.loads(json.dumps(each)) == each


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_the_examples_are_as_the_schema_says(path):
    content = path.read_bytes()
    assert faults(path.parent.name, content) == []
    assert list(jsonschema.Draft7Validator(schema()).iter_errors(read(content))) == []


@pytest.mark.parametrize(
    "folder, text",
    [
        ("groups", "[]"),
        ("groups", ""),
        ("groups", "{group: x, frontends: [{name: f, proto: tcp, port: '80', vip: }], vip: a}"),
        ("backends", "{ip: a, port_map: [{53: 5353}]}"),
        ("backend-maps", "pool: {ip: a, weight: '5'}"),
        ("check-refs", ""),
        ("globals", "{}"),
    ],
)
def test_what_may_be_said(folder, text):
    assert faults(folder, text) == []


@pytest.mark.parametrize(
    "folder, text",
    [
        ("groups", "{group: x}"),
        ("groups", "{group: x, frontends: [], frontend: []}"),
        ("groups", "{group: x, frontends: [], backends: }"),
        ("groups", "{group: x, frontends: [{proto: tcp}]}"),
        ("groups", "{group: x, frontends: [{name: f, proto: tcpp}]}"),
        ("backends", "[{weight: 65536}]"),
        ("backends", "[{method: natt}]"),
        ("backend-maps", "[]"),
        ("backend-maps", "pool: [{ip: 5}]"),
        ("check-refs", "up: {type: nope}"),
        ("globals", "timeouts: {tcp: 0}"),
        ("globals", "sync_daemons: [{role: master}]"),
    ],
)
def test_what_may_not(folder, text):
    assert faults(folder, text)


def test_every_key_is_described():
    for definition in schema()["definitions"].values():
        for described in definition.get("properties", {}).values():
            assert described["description"]
