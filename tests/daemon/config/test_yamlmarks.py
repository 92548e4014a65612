import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ipvsman.config import yamlmarks
from ipvsman.config.complaints import Complaints
from ipvsman.config.yamlmarks import path_text, read_yaml


def read(text):
    complaints = Complaints()
    content = text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
    document = read_yaml(content, "f.yaml", complaints)
    return document, [str(fault) for fault in complaints.faults]


@pytest.fixture(params=["C", "Python"], autouse=True)
def _loader(request, monkeypatch):
    if request.param == "Python":
        monkeypatch.setattr(yamlmarks, "_LOADER", yaml.SafeLoader)


def test_every_key_and_value_has_a_place():
    document, faults = read("a: 1\nb:\n  - x\n  - {y: [off, 2]}\n")
    assert not faults
    assert document.data == {"a": 1, "b": ["x", {"y": [False, 2]}]}
    assert str(document.origin(("a",))) == "f.yaml:1:4"
    assert str(document.key_origin(("b",))) == "f.yaml:2:1"
    assert str(document.origin(("b", 1, "y", 1))) == "f.yaml:4:15"
    assert str(document.key_origin(("b", 1, "y"))) == "f.yaml:4:6"


def test_what_is_not_there_is_placed_at_what_is_around_it():
    document, _unused = read("a:\n  - {y: 1}\n")
    assert str(document.origin(("a", 0, "nope", 3))) == "f.yaml:2:5"
    assert str(document.origin(("a", 7))) == "f.yaml:2:3"
    assert str(document.key_origin(("a", 0, "nope"))) == "f.yaml:2:5"
    assert document.raw(("a", 0, "nope")) is None


def test_a_scalar_is_known_as_it_was_written():
    document, _unused = read("a: off\nb: 1_000\nc: [off]")
    assert [document.raw((key,)) for key in "abc"] == ["off", "1_000", None]


def test_keys_are_the_words_that_were_written():
    document, _unused = read("on: 1\n53: 2\n~: 3\n1.50: 4\n2001-01-01: 5\n")
    assert list(document.data) == ["on", "53", "~", "1.50", "2001-01-01"]


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "~", "\ufeff"])
def test_an_empty_file_says_nothing(text):
    document, faults = read(text)
    assert not faults
    assert document.data is None


def test_a_byte_order_mark_is_no_text():
    document, _unused = read("\ufeffa: 1")
    assert document.data == {"a": 1}


def test_a_key_said_twice_is_a_fault_each_time():
    _unused, faults = read("a: 1\na: 2\nb: {c: 1, c: 2}\na: 3\n")
    assert faults == [
        "f.yaml:2:1: key 'a' is said twice, first on line 1",
        "f.yaml:3:11: key 'c' is said twice, first on line 3",
        "f.yaml:4:1: key 'a' is said twice, first on line 1",
    ]


def test_keys_that_yaml_makes_alike_are_two():
    document, faults = read("1: a\ntrue: b\n")
    assert not faults
    assert document.data == {"1": "a", "true": "b"}


def test_merge_keys():
    document, faults = read("x: &x {p: 1, q: 2}\ny: &y {q: 5}\nz:\n  <<: [*x, *y]\n  p: 3\n")
    assert not faults
    assert document.data["z"] == {"p": 3, "q": 2}
    assert str(document.origin(("z", "q"))) == "f.yaml:1:17"
    assert str(document.origin(("z", "p"))) == "f.yaml:5:6"


@pytest.mark.parametrize(
    "text, says",
    [
        ("x: {<<: 1}", "f.yaml:1:5: << takes a mapping or a list of mappings"),
        ("x: {<<: {a: 1}, <<: {a: 2}}", "f.yaml:1:17: key '<<' is said twice"),
        ("? [a]\n: b", "f.yaml:1:3: a key has to be a word, not a list or a mapping"),
        ("--- 1\n--- 2\n", "f.yaml:2:1: a file holds one document, and here is more"),
        ("a: &a [*a]", "f.yaml:1:8: alias *a is part of itself"),
        ("a: *b", "f.yaml:1:4: alias *b is not defined yet"),
        ("a: !!python/name:os.system x", "f.yaml:1:4: tag 'tag:yaml.org,2002:python/name:os.sys"),
        ("a: !x {b: 1}", "f.yaml:1:4: tag '!x' is not allowed"),
        ("a: !!set {b}", "f.yaml:1:4: tag 'tag:yaml.org,2002:set' is not allowed"),
        ("a: 2001-99-99", "f.yaml:1:4: '2001-99-99' is not a timestamp; if it is text, put it in"),
        ("a: !!int x", "f.yaml:1:4: 'x' is not a int"),
        ("a: !!bool x", "f.yaml:1:4: 'x' is not a bool"),
        ("a: !!timestamp x", "f.yaml:1:4: 'x' is not a timestamp"),
        ("a: !!binary x", "f.yaml:1:4: 'x' is not a binary"),
        ("a: 0x" + "f" * 40, "f.yaml:1:4: '0xfff"),
        ("a: " + "9" * 5000, "f.yaml:1:4: '999"),
        ("a: [1\nb: 2", "f.yaml:2:"),
        ("[" * 2000, "f.yaml:1:41: is nested deeper than 40 levels"),
        (b"a: 1\nb: \xff", "f.yaml:2:4: is not UTF-8: invalid start byte"),
        ("a: \x07", "f.yaml:1:4: is not YAML: "),
        ("a:\n  b: \x00", "f.yaml:2:6: is not YAML: "),
        ("é: \x07", "f.yaml:1:4: is not YAML: "),
    ],
)
def test_what_is_no_plain_yaml(text, says):
    _unused, faults = read(text)
    assert len(faults) == 1
    assert faults[0].startswith(says)


def test_a_broken_value_is_complained_of_once():
    complaints = Complaints()
    document = read_yaml(b"a: 2001-99-99", "f.yaml", complaints)
    complaints.fault(document.origin(("a",)), "a", "is not what is wanted here")
    assert len(complaints.faults) == 1


def test_aliases_cannot_make_much_of_little():
    laughs = "a: &a [x, x]\n" + "".join(
        f"{new}: &{new} [*{old}, *{old}, *{old}, *{old}]\n"
        for old, new in zip("abcdefghijklmn", "bcdefghijklmno", strict=True)
    )
    _unused, faults = read(laughs)
    assert "aliases make more than 1000000 values" in faults[0]


def test_aliases_cannot_nest_without_end():
    deep = "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 60))
    _unused, faults = read(deep)
    assert "aliases nest this deeper than 40 levels" in faults[0]


def test_paths_are_written_as_users_write_them():
    assert path_text(()) == ""
    assert path_text((0, "frontends", 1, "vip", 2)) == "[0].frontends[1].vip[2]"
    assert path_text(("pool", 0, "ip")) == "pool[0].ip"


@given(st.text() | st.text(alphabet="[]{}:,-&*!|>'\"#%@? \nab1<~"))
def test_no_text_does_more_than_complain(text):
    document, faults = read(text)
    assert document is not None or faults


@given(st.binary())
def test_nor_do_any_bytes(content):
    document, faults = read(content)
    assert document is not None or faults


PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.text(max_size=10),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)


@given(PLAIN)
def test_it_reads_what_the_safe_loader_reads(data):
    text = yaml.safe_dump(data, allow_unicode=True)
    document, faults = read(text)
    assert not faults
    assert document.data == yaml.safe_load(text)
