# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""Which schedulers come with Linux. A kernel may lack some of them, and have others."""

from __future__ import annotations

#: By the names that they register with (register_ip_vs_scheduler).
MAINLINE = tuple("rr wrr lc wlc lblc lblcr dh sh mh sed nq fo ovf twos".split())
#: What a service can have. none: it has no scheduler, and nobody is chosen for its connections.
SCHEDULERS = (*MAINLINE, "none")
