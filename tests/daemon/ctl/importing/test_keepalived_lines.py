"""Comments, includes, parameters and conditions of a keepalived.conf."""

from __future__ import annotations

from pathlib import Path

import pytest
from ipvsman.ctl.importing.keepalived_lines import Lines
from ipvsman.ctl.importing.ledger import Ledger, Unreadable
from ipvsman.ctl.importing.source import Source


def read(text, directory=Path(), config_id=""):
    ledger = Ledger()
    lines = Lines(Source("file", text, directory, config_id), ledger)
    return [line.text for line in lines.all()], [str(loss) for loss in ledger.losses]


def test_comments():
    text = "a # b\n! c\n\nd ! e\nf \"# !\" g # h\n'i \\' # j' # k"
    assert read(text)[0] == ["a", "d", 'f "# !" g', "'i \\' # j'"]


def test_places_are_those_of_the_file():
    lines = Lines(Source("file", "\n  a\n\tb $X\n"), Ledger())
    assert [line.place[1:] for line in lines.all()] == [(2, 3), (3, 2)]


def test_parameters():
    text = """
$NET=10.2.${SUB}
$SUB=0
a ${NET}.1 $SUB
$SUB=10
b ${NET}.1
c $UNKNOWN ${UNKNOWN} $NETWORK cost$ ${_HASH}${_BANG}
"""
    assert read(text)[0] == [
        "a 10.2.0.1 0",
        "b 10.2.10.1",
        "c $UNKNOWN ${UNKNOWN} $NETWORK cost$ #!",
    ]


def test_parameters_of_several_lines():
    text = """
$RS= \\
real_server 10.0.0.${N} 80 { \\
    weight 1 \\
    @high weight 9 \\
}
$N=1
$RS
$N=2
$RS
"""
    one = ["real_server 10.0.0.1 80 {", "weight 1", "}"]
    assert read(text)[0] == one + [line.replace(".1 ", ".2 ") for line in one]
    assert "weight 9" in read(text, config_id="high")[0]


def test_conditions():
    text = "@main a\n@^main b\n@backup c\n@main $X=1\nd $X"
    lines, losses = read(text, config_id="main")
    assert lines == ["a", "d 1"]
    assert losses == [
        "file:2: @^main b: not carried over: is not for the config id 'main'",
        "file:3: @backup c: not carried over: is not for the config id 'main'",
    ]
    lines, losses = read(text)
    assert lines == ["b", "d $X"]
    assert losses[0] == (
        "file:1: @main a: not carried over: is for hosts of config id main;"
        " --config-id main takes it"
    )


def test_includes(tmp_path):
    (tmp_path / "conf.d" / "deep").mkdir(parents=True)
    (tmp_path / "conf.d" / "2.conf").write_text("two\ninclude deep/*.conf\n")
    (tmp_path / "conf.d" / "1.conf").write_text("one ${_PWD}\n")
    (tmp_path / "conf.d" / "deep" / "3.conf").write_text("three\n")
    text = 'zero\ninclude conf.d/*.conf\nincluder "conf.d/1.conf"\nincludea none/*.conf'
    lines, losses = read(text, tmp_path)
    one = f"one {tmp_path / 'conf.d'}"
    assert lines == ["zero", one, "two", "three", one]
    assert losses == ["file:4: includea none/*.conf: not carried over: there is no such file"]


@pytest.mark.parametrize(
    "text, says",
    [
        ("$A=$B\n$B=$A\nx $A", "parameters that never end"),
        ("~SEQ(X, 1, 3) a ${X}", "file:1:1: ~SEQ(X, 1, 3) a ${X}: sequences and lists are not"),
        ("include file.conf", "files that include each other"),
    ],
)
def test_what_cannot_be_read(tmp_path, text, says):
    (tmp_path / "file.conf").write_text("include file.conf\n")
    with pytest.raises(Unreadable) as caught:
        read(text, tmp_path)
    assert says in str(caught.value)


def test_an_included_file_that_is_no_text(tmp_path):
    (tmp_path / "a.conf").write_bytes(b"a\n\xff\n")
    with pytest.raises(Unreadable, match=r"a\.conf:2:1: is not UTF-8"):
        read("include a.conf", tmp_path)
