from __future__ import annotations

import textwrap

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    Fault,
    InvalidValue,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.yamlfile import (
    YamlFile,
)


@pytest.fixture
def write(tmp_path):
    def write(content):
        path = tmp_path / "table.yaml"
        if isinstance(content, str):
            content = textwrap.dedent(content).encode()
        path.write_bytes(content)
        return str(path)

    return write


def lines_of(path, paths):
    """The line numbers that faults at these paths are located on."""
    located = YamlFile(path).located(InvalidValue([Fault(name, "") for name in paths]))
    return [int(fault.path[len(path) + 1 :].partition(":")[0]) for fault in located.faults]


def reasons(path):
    with pytest.raises(InvalidValue) as invalid:
        YamlFile(path)
    return [str(fault).replace(path, "FILE") for fault in invalid.value.faults]


def test_plain_data_of_yaml_and_json(write):
    data = {"services": [{"address": "tcp://192.0.2.1:80", "weight": 1}]}
    assert YamlFile(write("services:\n- {address: 'tcp://192.0.2.1:80', weight: 1}\n")).data == data
    assert YamlFile(
        write('{"services": [{"address": "tcp://192.0.2.1:80", "weight": 1}]}')
    ).data == (data)


@pytest.mark.parametrize("content", ["", "# only this\n", "---\n"])
def test_an_empty_file_says_nothing(write, content):
    assert YamlFile(write(content)).data is None


def test_a_fault_of_an_empty_file_is_on_its_first_line(write):
    assert lines_of(write(""), ["services[0]"]) == [1]


def test_anchors_and_merges_are_taken_in(write):
    path = write(
        """\
        one: &one {weight: 1, port: 2}
        two:
          <<: *one
          weight: 3
        """
    )
    assert YamlFile(path).data["two"] == {"weight": 3, "port": 2}
    assert lines_of(path, ["two.weight", "two.port"]) == [4, 1]


def test_a_fault_is_told_with_file_line_and_path(write):
    path = write(
        """\
        services:
          - address: tcp://192.0.2.1:80
            destinations:
              - address: 10.0.0.11
              - weight: 70000
                address: 10.0.0.12
        timeouts: {tcp: 0}
        """
    )
    faults = [Fault("services[0].destinations[1].weight", "too much")]
    invalid = InvalidValue(faults)
    located = YamlFile(path).located(invalid)
    assert str(located) == f"{path}:5: services[0].destinations[1].weight: too much"
    names = {
        "services": 1,
        "services[0]": 2,
        "services[0].destinations": 3,
        "services[0].destinations[0]": 4,
        "services[0].destinations[1].address": 6,
        "timeouts.tcp": 7,
    }
    assert lines_of(path, names) == list(names.values())
    invalid.done = ("a change",)
    assert YamlFile(path).located(invalid).done == ("a change",)


def test_what_was_not_written_is_located_at_what_is_around_it(write):
    path = write(
        """\
        services:
          - scheduler: rr
          - address: tcp://192.0.2.1:80
            destinations:
              - {}
        """
    )
    names = {
        "": 1,
        "timeouts.tcp": 1,
        "services[0].service": 2,
        "services[1].destinations[0].address": 5,
        "services[7].address": 1,
        "services[1].address.nothing": 3,
    }
    assert lines_of(path, names) == list(names.values())


def test_a_fault_of_the_whole_has_no_path(write):
    path = write("5\n")
    located = YamlFile(path).located(InvalidValue([Fault("", "5 is not a mapping")]))
    assert str(located) == f"{path}:1: 5 is not a mapping"


def test_keys_said_twice_are_faults_wherever_they_are(write):
    path = write(
        """\
        timeouts: {tcp: 1, tcp: 2}
        services:
          - address: a
            destinations:
              - weight: 1
                weight: 2
        timeouts: {}
        """
    )
    assert reasons(path) == [
        "FILE:1: 'tcp' is said twice, first on line 1",
        "FILE:6: 'weight' is said twice, first on line 5",
        "FILE:7: 'timeouts' is said twice, first on line 1",
    ]


def test_an_anchor_within_itself_ends(write):
    assert YamlFile(write("a: &a\n  b: *a\n")).data["a"]["b"]["b"]


@pytest.mark.parametrize(
    "content, place",
    [
        ("services:\n\t- a\n", "FILE:2:1: "),
        ("a: 'b\n", "FILE:2:1: "),
        ("a: 1\n---\nb: 2\n", "FILE:2:1: "),
        ("a: [1\nb: 2\n", "FILE:2:"),
        ("a: *nothing\n", "FILE:1:4: "),
        ("a: !!python/object:os.system {}\n", "FILE:1:4: "),
        ("? [1, 2]\n: {}\n", "FILE:1:3: "),
    ],
    ids="tab quote several bracket anchor object mapping".split(),
)
def test_what_is_not_yaml_is_told_with_line_and_column(write, content, place):
    (reason,) = reasons(write(content))
    assert reason.startswith(place), reason
    assert len(reason) > len(place) + 10


@pytest.mark.parametrize("content", [b"a: \xff\n", b"a: \x00\n", b"a: 2026-13-45\n"])
def test_what_is_not_even_text_is_told(write, content):
    (reason,) = reasons(write(content))
    assert reason.startswith("FILE: is not YAML: ")
    assert "\n" not in reason


def test_what_cannot_be_read_is_told(tmp_path):
    missing = str(tmp_path / "nosuch.yaml")
    assert reasons(missing) == ["FILE: cannot be read: No such file or directory"]
    assert reasons(str(tmp_path)) == ["FILE: cannot be read: Is a directory"]


def test_a_number_that_is_another_one_in_yaml_is_a_fault(write):
    path = write(
        """\
        port: 0123
        weights: [010, 1:30, 0_7, -010]
        web: &web {persistence: 1:00}
        again: *web
        """
    )
    numbers = {"010": 8, "1:30": 90, "0_7": 7, "-010": -8}
    assert reasons(path) == [
        "FILE:1: 0123 is the number 83 to YAML; say it in decimal",
        *(
            f"FILE:2: {text} is the number {numbers[text]} to YAML; say it in decimal"
            for text in sorted(numbers)
        ),
        "FILE:3: 1:00 is the number 60 to YAML; say it in decimal",
    ]


def test_numbers_that_are_what_they_look_like_are_none(write):
    path = write(
        "- 0\n- -1\n- +2\n- 65535\n- 0x10\n- 1_000\n- '010'\n- 1.5\n- 10.0.0.1\n- 08\n- 10:80\n"
    )
    numbers = [0, -1, 2, 65535, 16, 1000]
    assert YamlFile(path).data == [*numbers, "010", 1.5, "10.0.0.1", "08", "10:80"]
