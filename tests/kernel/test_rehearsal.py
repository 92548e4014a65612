"""Check mode is the same run: what it says is what then happens, whatever is asked.

Each example is a play of tasks with options drawn at random, faulty ones among them. Every task is
run in check mode, then for real, then again.
"""

from __future__ import annotations

from types import ModuleType
from typing import Any

from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.kernel import KernelTable
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plain import plain_table
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.scope import EVERYTHING
from ansible_collections.lvs.ipvs.plugins.modules import (
    ipvs_config,
    ipvs_destination,
    ipvs_service,
    ipvs_sync_daemon,
    ipvs_timeout,
)
from fresh import FreshHost, await_sync_threads
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as examples
from hypothesis import strategies as st
from modulerun import result_of

NAMES = ["tcp://192.0.2.1:80", "tcp://[2001:db8::1]:80", "udp://192.0.2.1:53", "fwmark:7/inet6"]
SERVERS = ["10.1.0.11", "10.1.0.12", "fd00:1::11"]


def some(**choices: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Options, each of which may be left out."""
    return st.fixed_dictionaries({}, optional=choices)


def one_of(*values: Any) -> st.SearchStrategy[Any]:
    return st.sampled_from(values)


left_out = one_of("keep", "default")
tunnels = one_of({}, {"type": "gue", "port": 6080, "checksum": "remcsum"}, {"type": "gre"})
# Some of it does not go together: a threshold with another, a tunnel type with what is there.
destinations = st.fixed_dictionaries(
    {"address": one_of(*SERVERS), "forwarding": st.just("tunnel")},
    optional={
        "port": one_of(0, 80),
        "weight": one_of(0, 1, "5", 65535),
        "upper_threshold": one_of(0, 50, 100),
        "lower_threshold": one_of(0, 5, 60),
        "tunnel": tunnels,
    },
) | st.fixed_dictionaries(
    {"address": one_of(*SERVERS[:2])},
    optional={
        "weight": one_of(0, 1, 3),
        "forwarding": one_of("masquerade", "direct", "local", "bypass", "nat", "fnat"),
        "tunnel": tunnels,
    },
)
services = st.fixed_dictionaries(
    {"service": one_of(*NAMES)},
    optional={
        "scheduler": one_of("rr", "wlc", "sh", "mh", "fo"),
        "flags": st.lists(one_of("flag-1", "flag-2", "flag-3", "mh-port"), max_size=2),
        "persistence": one_of(0, 300, "60"),
        "netmask": one_of("24", 1, 32),
        "engine": one_of("", "none", "sip"),
        "destinations": st.lists(destinations, max_size=3, unique_by=lambda one: one["address"]),
    },
)
timeouts = some(tcp=one_of(1, 900), tcp_fin=one_of(7, 120, 0), udp=one_of(300, 2147483, "9"))
daemons = st.fixed_dictionaries(
    {"role": one_of("master", "backup"), "interface": one_of("eth0", "jumbo0")},
    optional={
        "sync_id": one_of(0, 7, 255),
        "maxlen": one_of(1024, 2000),
        "group": one_of("224.0.0.81", "ff02::81"),
        "port": one_of(8848, 1),
    },
)
documents = some(
    defaults=some(
        port=one_of(80, 8080),
        weight=one_of(0, 9),
        scheduler=one_of("wrr", "sh"),
        forwarding=one_of("nat", "tunnel"),
    ),
    services=st.lists(services, min_size=1, max_size=3, unique_by=lambda one: one["service"]),
    timeouts=timeouts,
    sync_daemons=st.lists(daemons, max_size=2, unique_by=lambda one: one["role"]),
)


def task(
    module: ModuleType, required: st.SearchStrategy[dict[str, Any]], **choices: Any
) -> st.SearchStrategy[tuple[ModuleType, dict[str, Any]]]:
    """A module, and what it is told."""
    return st.tuples(required, some(**choices)).map(
        lambda drawn: (module, {**drawn[0], **drawn[1]})
    )


tasks = st.one_of(
    task(
        ipvs_service,
        services,
        left_out=left_out,
        purge_destinations=st.booleans(),
        state=one_of("present", "present", "absent"),
    ),
    task(
        ipvs_destination,
        st.tuples(one_of(*NAMES), destinations).map(
            lambda drawn: {"service": drawn[0], **drawn[1]}
        ),
        left_out=left_out,
        state=one_of("present", "present", "absent", "drained"),
        drain_remove=st.booleans(),
    ),
    task(
        ipvs_config,
        documents.map(lambda drawn: {"table": drawn}),
        left_out=left_out,
        purge_services=st.booleans(),
        purge_destinations=st.booleans(),
        keep_weights=st.booleans(),
        max_removals=one_of("2", "80%"),
    ),
    task(ipvs_timeout, timeouts, left_out=left_out),
    task(ipvs_sync_daemon, daemons, left_out=left_out, state=one_of("present", "absent")),
)


@given(play=st.lists(tasks, min_size=10, max_size=30))
@examples(
    max_examples=15,
    deadline=None,
    derandomize=True,
    database=None,
    phases=[Phase.generate],  # an example costs too much to look for the smallest
    suppress_health_check=list(HealthCheck),
)
def test_what_check_mode_says_is_what_happens(
    lasting: tuple[FreshHost, KernelTable], play: list[tuple[ModuleType, dict[str, Any]]]
) -> None:
    host, kernel = lasting
    for module, options in play:
        before = kernel.read(EVERYTHING)
        said = result_of(module, check_mode=True, netns=host.name, **options)
        assert kernel.read(EVERYTHING) == before
        done = result_of(module, netns=host.name, **options)
        if module in (ipvs_config, ipvs_sync_daemon):
            await_sync_threads()
        if "refused" in done:
            continue  # only the kernel knew that
        if done.get("failed"):
            assert kernel.read(EVERYTHING) == before
            # What is missing might have been made by an earlier task: a warning, or nothing.
            assert said.get("failed") or "taken for there" in str(said["warnings"])
            assert all(fault in done["faults"] for fault in said.get("faults", ()))
            continue
        assert said == done
        again = result_of(module, netns=host.name, **options)
        assert again["changed"] is False
        assert again["changes"] == []
        assert again["diff"]["before"] == again["diff"]["after"] == {}
        assert done["changed"] == bool(done["changes"])
        facts = plain_table(kernel.read(EVERYTHING))
        for name in ("service", "sync_daemon", "timeouts"):
            told = done.get(name)
            if told:
                assert told == facts[name] if name == "timeouts" else told in facts[f"{name}s"]
