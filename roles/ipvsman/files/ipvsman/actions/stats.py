# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""-S, --stats: counters of the kernel's table, whoever made what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ipvsman.face import standing
from ipvsman.ipvs.errors import IpvsError
from ipvsman.ipvs.table import Table

from .rates import COUNTED, with_rates
from .stage import Stage

_COLUMNS = ("TYPE", "PROTO", "NAME", *(name.upper() for name in COUNTED))
_WORDS = 3


def run(stage: Stage) -> int:
    """A table, or the rows as JSON; 2 when the kernel cannot be read."""
    seconds = stage.options.show_rates
    filters = stage.filters
    desired = stage.desired(stage.config()) if filters.needs_configuration else None

    def look(table: Table) -> list[dict[str, Any]]:
        return standing.stats(filters.of_counters(table.counters(), desired))

    try:
        with stage.table() as table:
            rows = look(table)
            if seconds:
                rows = with_rates(rows, lambda: look(table), seconds)
    except IpvsError as error:
        stage.complain(f"stats read failed: {error}")
        return 2
    if stage.as_json:
        stage.say_json({"services": rows})
        return 0
    stage.say_lines(_aligned(list(_cells(rows, rates=bool(seconds)))))
    return 0


def _cells(rows: Sequence[Mapping[str, Any]], *, rates: bool) -> Iterator[list[str]]:
    names = list(COUNTED)
    header = list(_COLUMNS)
    if rates:
        names += [f"rate_{name}" for name in COUNTED]
        header += [f"{name.upper()}/S" for name in COUNTED]
    yield header
    for row in rows:
        yield ["svc", row["proto"], place(row, "vip"), *(str(row[name]) for name in names)]
        for real in row["reals"]:
            yield ["rs", row["proto"], place(real, "ip"), *(str(real[name]) for name in names)]


def _aligned(table: list[list[str]]) -> Iterator[str]:
    widths = [max(len(row[column]) for row in table) for column in range(len(table[0]))]
    for number, row in enumerate(table):
        cells = [
            cell.ljust(width) if column < _WORDS else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()
        if number == 0:
            yield "  ".join("-" * width for width in widths)


def place(row: Mapping[str, Any], name: str) -> str:
    """Host and port of a row, the host under this name."""
    host = str(row[name])
    return f"[{host}]:{row['port']}" if ":" in host else f"{host}:{row['port']}"
