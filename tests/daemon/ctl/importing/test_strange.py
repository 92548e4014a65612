"""Whatever is in a file: it is understood, or told with its place. Never anything else."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.ctl.importing.conftest import READERS, import_of
from hypothesis import given, settings
from hypothesis import strategies as st
from ipvsman.config.model import ConfigError

SAMPLES = Path(__file__).parent / "samples"
TEXTS = {
    tool: [
        path.read_text()
        for path in sorted((SAMPLES / tool).rglob("*"))
        if path.suffix in (".cf", ".conf", ".rules", ".sh") and path.is_file()
    ]
    for tool in READERS
}
PLACE = re.compile(r"(?s)\S+:\d+:\d+: .+")

odd = st.sampled_from(
    """ -1 0 70000 99999999999 x \u00fc " ' { } [ $ @a :: \\ 256.1.1.1 1.2.3.4:99999 [::1]:80
    fe80::1%eth0 # ! ~SEQ(a,1) =""".split(" ")
)


@st.composite
def mangled(draw, tool):
    """A sample with some words replaced, and some lines taken away, doubled or moved."""
    lines = draw(st.sampled_from(TEXTS[tool])).splitlines()
    for _unused in range(draw(st.integers(1, 4))):
        number = draw(st.integers(0, len(lines) - 1))
        kind = draw(st.sampled_from(["word", "drop", "double", "move", "insert"]))
        if kind == "word":
            words = re.split(r"(\s+|=|:|,)", lines[number])
            words[draw(st.integers(0, len(words) - 1))] = draw(odd)
            lines[number] = "".join(words)
        elif kind == "insert":
            lines.insert(number, draw(odd))
        elif kind == "double":
            lines.insert(number, lines[number])
        elif kind == "move":
            lines.insert(draw(st.integers(0, len(lines) - 1)), lines.pop(number))
        elif len(lines) > 1:
            del lines[number]
    return "\n".join(lines)


@pytest.mark.parametrize("to", ["table", "drop-ins"])
@pytest.mark.parametrize("tool", READERS)
@given(data=st.data())
@settings(max_examples=80)
def test_it_is_understood_or_told_where_it_is_wrong(tool, to, data):
    text = data.draw(mangled(tool))
    try:
        found = import_of(tool, text, to=to, directory=SAMPLES / "none")
    except ConfigError:
        # What only the daemon's own loader knows to be wrong; the command says its reasons.
        assert to == "drop-ins"
        return
    assert bool(found.faults) != bool(found.made) or not found.made
    for fault in found.faults:
        assert PLACE.fullmatch(fault), fault


@pytest.mark.parametrize("tool", READERS)
@given(text=st.text(max_size=200))
def test_noise(tool, text):
    found = import_of(tool, text, directory=SAMPLES / "none")
    for fault in found.faults:
        assert PLACE.fullmatch(fault), fault
