"""Files that are no text."""

from __future__ import annotations

import pytest
from ipvsman.ctl.importing.ledger import Unreadable
from ipvsman.ctl.importing.source import decoded


def test_text():
    assert decoded("a\nü\n".encode(), "file") == "a\nü\n"
    assert decoded(b"\xef\xbb\xbfa", "file") == "a"


@pytest.mark.parametrize(
    "content, says",
    [
        (b"ab\nc\xffd", "file:2:2: is not UTF-8: invalid start byte"),
        (b"ab\n\0", "file:2:1: is no text: it has a zero byte"),
    ],
)
def test_no_text(content, says):
    with pytest.raises(Unreadable) as caught:
        decoded(content, "file")
    assert caught.value.faults == (says,)
