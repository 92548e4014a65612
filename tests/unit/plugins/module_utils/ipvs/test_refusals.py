from __future__ import annotations

import errno
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    EditDestination,
    EditService,
    RemoveDestination,
    RemoveService,
    SetTimeouts,
    StartDaemon,
    StopDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    AlreadyThere,
    KernelRefused,
    NotThere,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Timeouts,
    Tunnel,
    TunnelKind,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.refusals import (
    is_stale,
    refusal,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

ADD, EDIT = AddService(eg.WEB, eg.WLC), EditService(eg.WEB, eg.RR, eg.WLC)
ENGINE = AddService(eg.WEB, eg.STICKY)
ADD_MARK = AddService(eg.MARK, eg.WLC)
REMOVE = RemoveService(eg.WEB, eg.service(eg.WEB))
JOIN = AddDestination(eg.WEB, eg.ONE, eg.DIRECT)
WEIGH = EditDestination(eg.WEB, eg.ONE, eg.DIRECT, eg.QUIET)
LEAVE = RemoveDestination(eg.WEB, eg.ONE, eg.DIRECT)
MIXED = AddDestination(eg.WEB, eg.THREE6, eg.TUNNELLED)
MIXED_DIRECT = AddDestination(eg.WEB, eg.THREE6, eg.DIRECT)
GUE = AddDestination(eg.WEB, eg.ONE, replace(eg.TUNNELLED, tunnel=Tunnel(TunnelKind.GUE)))
TIMES = SetTimeouts(Timeouts(900, 120, 300), Timeouts(1, 2, 3))
START, STOP = StartDaemon(eg.MASTER), StopDaemon(eg.MASTER)
EVERY = [ADD, EDIT, REMOVE, JOIN, WEIGH, LEAVE, TIMES, START, STOP]


@pytest.mark.parametrize(
    "change, number, says",
    [
        (ADD, errno.ENOENT, "no scheduler 'wlc' (module ip_vs_wlc; try: modprobe ip_vs_wlc)"),
        (EDIT, errno.ENOENT, "no scheduler 'wlc' (module ip_vs_wlc;"),
        (
            ENGINE,
            errno.ENOENT,
            "no scheduler 'sh' or no persistence engine 'sip'"
            " (try: modprobe -a ip_vs_sh ip_vs_pe_sip)",
        ),
        (ADD, errno.EEXIST, "another program has created this virtual service meanwhile"),
        (EDIT, errno.ESRCH, "the virtual service is gone"),
        (ADD, errno.EINVAL, "scheduler 'wlc' or the netmask does not fit this virtual service"),
        (ADD_MARK, errno.EINVAL, "no service with this mark, family and netmask"),
        (ADD, errno.EAFNOSUPPORT, "without support for this address family"),
        (ADD, errno.EPROTONOSUPPORT, "without support for this transport protocol"),
        (REMOVE, errno.ESRCH, "the virtual service is gone"),
        (JOIN, errno.EEXIST, "another program has created this destination meanwhile"),
        (JOIN, errno.ESRCH, "the virtual service is gone"),
        (WEIGH, errno.ENOENT, "the destination is gone"),
        (WEIGH, errno.ERANGE, "the lower threshold is above the upper one"),
        (JOIN, errno.EINVAL, "198.51.100.1 is neither a unicast nor a local address"),
        (MIXED, errno.EINVAL, "and a sync daemon exclude each other"),
        (MIXED_DIRECT, errno.EINVAL, "has to be forwarded by tunnel"),
        (GUE, errno.EINVAL, "a gue tunnel needs a port"),
        (LEAVE, errno.ENOENT, "the destination is gone already"),
        (LEAVE, errno.ESRCH, "the virtual service is gone"),
        (START, errno.ENODEV, "no network interface 'eth0' in this network namespace"),
        (START, errno.EEXIST, "a master sync daemon is running already"),
        (START, errno.EADDRNOTAVAIL, "'eth0' has no address of the multicast group's family"),
        (START, errno.EINVAL, "'224.0.0.81' is no usable multicast group"),
        (STOP, errno.ESRCH, "no such daemon is running"),
    ],
)
def test_a_refusal_is_explained(change, number, says):
    error = refusal(change, number)
    assert says in error.explanation
    assert str(error).endswith(f"; {error.explanation}")


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.action)
def test_a_lack_of_rights_or_memory_is_explained_for_every_change(change):
    assert "CAP_NET_ADMIN" in refusal(change, errno.EPERM).explanation
    assert "out of memory" in refusal(change, errno.ENOMEM).explanation


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.action)
def test_a_number_that_means_nothing_known_stands_alone(change):
    error = refusal(change, errno.EIO)
    assert error.explanation == ""
    assert str(error).endswith(": EIO (Input/output error)")


@pytest.mark.parametrize("change", EVERY, ids=lambda change: change.action)
@pytest.mark.parametrize(
    "number, kind",
    [
        (errno.EEXIST, AlreadyThere),
        (errno.ESRCH, NotThere),
        (errno.ENOENT, NotThere),
        (errno.ENODEV, NotThere),
        (errno.EINVAL, KernelRefused),
        (errno.EPERM, KernelRefused),
    ],
)
def test_a_refusal_has_its_kind(change, number, kind):
    error = refusal(change, number)
    assert error.__class__ is kind
    assert (error.change, error.errno) == (change, number)


@pytest.mark.parametrize(
    "change, number, stale",
    [
        (ADD, errno.EEXIST, True),
        (JOIN, errno.EEXIST, True),
        (START, errno.EEXIST, True),
        (EDIT, errno.ESRCH, True),
        (REMOVE, errno.ESRCH, True),
        (JOIN, errno.ESRCH, True),
        (WEIGH, errno.ENOENT, True),
        (LEAVE, errno.ENOENT, True),
        (STOP, errno.ESRCH, True),
        # What is missing here will be missing the next time, too.
        (ADD, errno.ENOENT, False),
        (EDIT, errno.ENOENT, False),
        (START, errno.ENODEV, False),
        (JOIN, errno.EINVAL, False),
        (ADD, errno.EPERM, False),
    ],
)
def test_only_what_a_new_plan_may_mend_is_stale(change, number, stale):
    assert is_stale(refusal(change, number)) is stale
