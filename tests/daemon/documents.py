"""Guides as programs: blocks of code in the order of the page, and what each shows."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

GUIDES = Path(__file__).resolve().parents[2] / "docs"
_BLOCK = re.compile(r"^ *```(\w*)([^\n]*)\n(.*?)^ *```$", re.MULTILINE | re.DOTALL)


class Block(NamedTuple):
    """One block. info: after the language; line: where it starts; shows: the text after it."""

    language: str
    info: str
    text: str
    line: int
    shows: str = ""


def blocks(guide: str) -> list[Block]:
    """All blocks of a guide; a text block belongs to the code that it follows."""
    page = (GUIDES / guide).read_text(encoding="utf-8")
    found: list[Block] = []
    for match in _BLOCK.finditer(page):
        language, info, text = match.groups()
        line = page.count("\n", 0, match.start()) + 2
        between = page[page.rfind("```", 0, match.start()) + 3 : match.start()]
        if language == "text" and found and not info and not between.strip():
            found[-1] = found[-1]._replace(shows=text)
        else:
            found.append(Block(language, info.strip(), text, line))
    return found
