"""Facts as they are kept in a file."""

from __future__ import annotations

import json

from ansible_collections.lvs.ipvs.plugins.module_utils.network.facts import (
    Address,
    FouPort,
    Module,
    OwnLink,
    Sysctl,
    Up,
    from_plain,
    to_plain,
)

FACTS = {
    '{"is": "module", "name": "ipip"}': Module("ipip"),
    '{"is": "sysctl", "name": "net.ipv4.conf.all.arp_ignore", "value": "1", "good": ["2"]}': Sysctl(
        "net.ipv4.conf.all.arp_ignore", "1", ["2"]
    ),
    '{"is": "up", "name": "tunl0"}': Up("tunl0"),
    '{"is": "link", "name": "vip0", "kind": "dummy"}': OwnLink("vip0", "dummy"),
    '{"is": "gue", "port": 6080, "family": "inet6"}': FouPort(6080, "inet6"),
    '{"is": "address", "address": "192.0.2.1/32", "link": "lo", "options": "scope host"}': Address(
        "192.0.2.1/32", "lo", "scope host"
    ),
}


def test_what_is_in_the_file_of_a_host_is_understood_for_ever():
    for text, fact in FACTS.items():
        assert json.dumps(to_plain([fact])[0]) == text
        assert from_plain([json.loads(text)]) == [fact]
