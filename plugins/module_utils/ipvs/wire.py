# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
"""The numbers of the kernel's IPVS interface, and which word of the model each one is.

Source: ``include/uapi/linux/ip_vs.h`` and the ``ip_vs_genl_*`` functions of
``net/netfilter/ipvs/ip_vs_ctl.c``. Everything travels in host byte order but addresses, IPv4
netmasks and the ports of services, destinations and tunnels, which are in network byte order.
"""

from __future__ import annotations

import socket

from .model import Checksum, Family, Forwarding, Role, Transport, TunnelKind

FAMILY_NAME = "IPVS"
VERSION = 1

# enum IPVS_CMD_*
NEW_SERVICE, SET_SERVICE, DEL_SERVICE, GET_SERVICE = 1, 2, 3, 4
NEW_DEST, SET_DEST, DEL_DEST, GET_DEST = 5, 6, 7, 8
NEW_DAEMON, DEL_DAEMON, GET_DAEMON = 9, 10, 11
SET_CONFIG, GET_CONFIG, GET_INFO, ZERO, FLUSH = 12, 13, 15, 16, 17

# IPVS_CMD_ATTR_*
SERVICE, DEST, DAEMON, TIMEOUT_TCP, TIMEOUT_TCP_FIN, TIMEOUT_UDP = 1, 2, 3, 4, 5, 6

# IPVS_SVC_ATTR_*
SVC_AF, SVC_PROTOCOL, SVC_ADDR, SVC_PORT, SVC_FWMARK, SVC_SCHED = 1, 2, 3, 4, 5, 6
SVC_FLAGS, SVC_TIMEOUT, SVC_NETMASK, SVC_STATS, SVC_PE, SVC_STATS64 = 7, 8, 9, 10, 11, 12

# IPVS_DEST_ATTR_*
DEST_ADDR, DEST_PORT, DEST_FORWARDING, DEST_WEIGHT, DEST_UPPER, DEST_LOWER = 1, 2, 3, 4, 5, 6
DEST_ACTIVE, DEST_INACTIVE, DEST_PERSISTENT, DEST_STATS, DEST_FAMILY = 7, 8, 9, 10, 11
DEST_STATS64, DEST_TUN_TYPE, DEST_TUN_PORT, DEST_TUN_FLAGS = 12, 13, 14, 15

# IPVS_DAEMON_ATTR_*
DAEMON_STATE, DAEMON_INTERFACE, DAEMON_SYNC_ID, DAEMON_MAXLEN = 1, 2, 3, 4
DAEMON_GROUP, DAEMON_GROUP6, DAEMON_PORT, DAEMON_TTL = 5, 6, 7, 8

NESTED = 0x8000
TYPE_MASK = 0x3FFF

#: IP_VS_SVC_F_PERSISTENT; carried by ServiceSettings.persistence, not by ServiceFlags.
F_PERSISTENT = 0x0001
F_SCHEDULING = 0x0004 | 0x0008 | 0x0010 | 0x0020
#: Which flags a set means to say something about; the kernel keeps the others (IP_VS_SVC_F_HASHED).
F_SAID = F_PERSISTENT | F_SCHEDULING

AF: dict[Family, int] = {Family.INET: socket.AF_INET, Family.INET6: socket.AF_INET6}
FAMILIES = {number: family for family, number in AF.items()}
PROTOCOL = {Transport.TCP: 6, Transport.UDP: 17, Transport.SCTP: 132}
TRANSPORTS = {number: transport for transport, number in PROTOCOL.items()}
METHOD = {
    Forwarding.MASQUERADE: 0,
    Forwarding.LOCAL: 1,
    Forwarding.TUNNEL: 2,
    Forwarding.DIRECT: 3,
    Forwarding.BYPASS: 4,
}
FORWARDINGS = {number: method for method, number in METHOD.items()}
TUNNEL_KIND = {TunnelKind.IPIP: 0, TunnelKind.GUE: 1, TunnelKind.GRE: 2}
TUNNEL_KINDS = {number: kind for kind, number in TUNNEL_KIND.items()}
CHECKSUM = {Checksum.NONE: 0, Checksum.CSUM: 1, Checksum.REMCSUM: 2}
CHECKSUMS = {number: checksum for checksum, number in CHECKSUM.items()}
ROLE = {Role.MASTER: 1, Role.BACKUP: 2}
ROLES = {number: role for role, number in ROLE.items()}
