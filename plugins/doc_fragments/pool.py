# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What can be said of a destination (real server): of one, and of each in a list."""

from __future__ import annotations

from textwrap import indent

_SETTINGS = """\
port:
  description: Port of the real server. The port of the service when left out.
  type: int
weight:
  description: Share of new connections, V(0..65535). With V(0) only existing connections go on.
  type: int
forwarding:
  description:
    - Forwarding method. V(masq) and V(nat) mean V(masquerade), V(dr), V(route) and V(routing) mean
      V(direct), V(tun) means V(tunnel).
    - V(fnat) means V(masquerade), and fails when the service has no local addresses.
    - A destination of the other address family than its service needs V(tunnel).
  type: str
  choices: [masquerade, direct, tunnel, local, bypass, masq, nat, dr, route, routing, tun, fnat]
upper_threshold:
  description: Connections above which the destination gets no new ones. V(0) is no threshold.
  type: int
lower_threshold:
  description: Connections below which it gets new ones again. V(0) is three quarters of the upper.
  type: int
tunnel:
  description: Encapsulation, for forwarding V(tunnel).
  type: dict
  suboptions:
    type:
      description: Type of the tunnel. V(ipip) when left out.
      type: str
      choices: [ipip, gue, gre]
    port:
      description: UDP port that the destination expects GUE on.
      type: int
    checksum:
      description: Checksum of the encapsulation. V(csum) for GUE and GRE, V(remcsum) for GUE.
      type: str
      choices: [none, csum, remcsum]
"""


class ModuleDocFragment:
    """The list of destinations; `pool.destination` is a single one, but for its address."""

    # Annotated, since ansible-test's yamllint takes every plain assignment for a literal.
    DOCUMENTATION: str = """
options:
  destinations:
    type: list
    elements: dict
    suboptions:
      address:
        description: Address of the real server, IPv4 or IPv6.
        type: str
        required: true
""" + indent(_SETTINGS, " " * 6)

    DESTINATION: str = "options:\n" + indent(_SETTINGS, " " * 2)
