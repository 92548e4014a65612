# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Numbers on the command line: what is none is told in words of the user's."""

from __future__ import annotations

import argparse


def any_seconds(text: str) -> float:
    """Any number of seconds, also a negative one."""
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not abs(value) < 1e9:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds")
    return value


def seconds(text: str) -> float:
    """0 or more seconds."""
    value = any_seconds(text)
    if value < 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds, 0 or more")
    return value


def some_seconds(text: str) -> float:
    """More than 0 seconds."""
    value = any_seconds(text)
    if value <= 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds above 0")
    return value


def _whole(text: str, least: int, most: int) -> int:
    try:
        value = int(text)
    except ValueError:
        value = least - 1
    if not least <= value <= most:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {least} to {most}")
    return value


def port(text: str) -> int:
    """A port; 0 = any that is free."""
    return _whole(text, 0, 65535)


def positive(text: str) -> int:
    """A whole number from 1."""
    return _whole(text, 1, 2**31 - 1)


def amount(text: str) -> int:
    """A whole number from 0."""
    return _whole(text, 0, 2**31 - 1)
