# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Answers are made beside the loop: of a large table they take seconds, and probes have deadlines.

In few threads of their own, so that whoever asks all the time takes none that reloads need. What
they read are values that nobody changes under the reader.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from aiohttp import web

from .access import as_json, json_answer

T = TypeVar("T")

_THREADS = ThreadPoolExecutor(2, thread_name_prefix="answer")


async def beside(make: Callable[[], T]) -> T:
    """What it returns, while the loop goes on."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, make)


async def rendered(make: Callable[[], Any]) -> web.Response:
    """Data as an answer, gathered and put into form beside the loop."""
    return json_answer(await beside(lambda: as_json(make())))
