# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""-S, --stats: counters of the kernel's table, whoever made what is in it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ipvsman.face import report
from ipvsman.ipvs.errors import IpvsError

from .stage import Stage
from .status import with_rates

_COLUMNS = ("TYPE", "PROTO", "NAME", "CONNS", "INPKTS", "OUTPKTS", "INBYTES", "OUTBYTES")
_WORDS = 3


def run(stage: Stage) -> int:
    """A table, or the rows as JSON; 2 when the kernel cannot be read."""
    try:
        table = stage.open_table()
        try:
            rows = report.stats(table.counters())
            if stage.options.show_rates:
                rows = with_rates(
                    rows, lambda: report.stats(table.counters()), stage.options.show_rates
                )
        finally:
            table.close()
    except IpvsError as error:
        stage.complain(f"stats read failed: {error}")
        return 2
    if stage.as_json:
        stage.say_json({"services": rows})
        return 0
    stage.say_lines(_aligned(list(_cells(rows, rates=bool(stage.options.show_rates)))))
    return 0


def _cells(rows: Sequence[Mapping[str, Any]], *, rates: bool) -> Iterator[list[str]]:
    names = ["conns", "inpkts", "outpkts", "inbytes", "outbytes"]
    header = list(_COLUMNS)
    if rates:
        names += [f"rate_{name}" for name in names]
        header += [f"{name}/S" for name in _COLUMNS[_WORDS:]]
    yield header
    for row in rows:
        yield ["svc", row["proto"], _place(row, "vip"), *(str(row[name]) for name in names)]
        for real in row["reals"]:
            yield ["rs", row["proto"], _place(real, "ip"), *(str(real[name]) for name in names)]


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


def _place(row: Mapping[str, Any], name: str) -> str:
    host = str(row[name])
    return f"[{host}]:{row['port']}" if ":" in host else f"{host}:{row['port']}"
