# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Switches: true and false in words, and ``--switch=true`` in the form that argparse takes."""

from __future__ import annotations

import argparse
import itertools
from collections.abc import Mapping, Sequence

_YES = frozenset(("1", "t", "true", "y", "yes", "on"))
_NO = frozenset(("0", "f", "false", "n", "no", "off"))


def parse_switch(text: str) -> bool:
    """Whether a word says yes. Raises ValueError."""
    word = text.lower()
    if word not in _YES | _NO:
        raise ValueError(f"{text!r} is neither true nor false")
    return word in _YES


def bare(
    words: Sequence[str], flags: Mapping[str, argparse.Action], *, leaves_rest: bool
) -> list[str]:
    """The same command line with each switch there, or not. Raises ValueError.

    leaves_rest: what follows the first word without a dash is for somebody else to read.
    """
    taken: list[str] = []
    rest = iter(words)
    for word in rest:
        name, equals, value = word.partition("=")
        flag = flags.get(name)
        if flag is None and word[:1] != "-" and leaves_rest:
            return [*taken, word, *rest]
        if flag is None or flag.const is not True or not equals:
            taken.append(word)
            if flag is not None and flag.nargs is None and not equals:
                taken += itertools.islice(rest, 1)
        elif _is_on(name, value):
            taken.append(name)
    return taken


def _is_on(name: str, value: str) -> bool:
    """An empty value is none: of a variable, it must not turn a dry run into a real one."""
    try:
        return parse_switch(value)
    except ValueError as error:
        raise ValueError(f"argument {name}: {error}") from None
