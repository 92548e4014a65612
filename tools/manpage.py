"""man(7) out of argparse: options with their help, and text that must not be taken for requests."""

from __future__ import annotations

import argparse


def groups(
    parser: argparse.ArgumentParser,
) -> list[tuple[argparse._ArgumentGroup, list[argparse.Action]]]:
    """The groups of the help, with their flags; argparse shows them to nobody else."""
    found = []
    for group in parser._action_groups:  # noqa: SLF001
        actions = [each for each in group._group_actions if each.option_strings]  # noqa: SLF001
        if actions:
            found.append((group, actions))
    return found


def names(action: argparse.Action) -> str:
    """An option's names with what it takes."""
    value = ""
    if action.nargs != 0:
        word = action.metavar or "{" + ",".join(map(str, action.choices or ())) + "}"
        value = f" \\fI{escaped(str(word))}\\fR"
    return ", ".join(f"\\fB{escaped(name)}\\fR{value}" for name in action.option_strings)


def about(action: argparse.Action) -> str:
    """An option's help, as a sentence."""
    text = (action.help or "").replace("%(default)s", str(action.default))
    return line(text[:1].upper() + text[1:].replace("%%", "%") + ".")


def line(text: str) -> str:
    """A line of text, which must not be taken for a request."""
    return ("\\&" if text[:1] in (".", "'") else "") + escaped(text)


def escaped(text: str) -> str:
    """Text that means itself."""
    return text.replace("\\", "\\e").replace("-", "\\-")
