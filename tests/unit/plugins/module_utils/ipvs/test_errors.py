from __future__ import annotations

import errno
import re
from types import SimpleNamespace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import errors
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    RemoveService,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    DestinationKey,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)

CHANGE = AddService(eg.WEB, eg.WLC)


@pytest.mark.parametrize(
    "error, parent",
    [
        (errors.InvalidValue, errors.IpvsError),
        (errors.Unavailable, errors.IpvsError),
        (errors.Refused, errors.IpvsError),
        (errors.KernelRefused, errors.IpvsError),
        (errors.AlreadyThere, errors.KernelRefused),
        (errors.NotThere, errors.KernelRefused),
        (errors.PartlyApplied, errors.IpvsError),
        (errors.NotConverged, errors.IpvsError),
    ],
)
def test_the_tree_is_as_it_is_drawn(error, parent):
    assert error.__bases__ == (parent,)


def test_every_fault_is_a_line_with_its_path():
    faults = [
        errors.Fault("services[3].destinations[0].weight", "70000 is not in 0..65535"),
        errors.Fault("", "[] is not a mapping"),
    ]
    error = errors.InvalidValue(faults)
    assert error.faults == tuple(faults)
    assert str(error) == (
        "services[3].destinations[0].weight: 70000 is not in 0..65535\n[] is not a mapping"
    )


def test_the_kernels_refusal_names_change_number_and_meaning():
    bare = errors.KernelRefused(CHANGE, errno.EEXIST)
    assert str(bare) == (
        "the kernel refused to add service tcp://192.0.2.1:80: scheduler wlc: EEXIST (File exists)"
    )
    assert (bare.change, bare.errno) == (CHANGE, errno.EEXIST)
    told = errors.KernelRefused(CHANGE, errno.EEXIST, "somebody was faster")
    assert str(told) == f"{bare}; somebody was faster"
    assert "refused to add service tcp://192.0.2.1:80: scheduler wlc: 9999 (" in str(
        errors.KernelRefused(CHANGE, 9999)
    )


def test_what_there_is_no_table_for_has_a_cause():
    error = errors.Unavailable(errors.Cause.NO_IPVS, "this kernel has no IPVS")
    assert error.cause is errors.Cause.NO_IPVS
    assert str(error) == "this kernel has no IPVS"


def additions(count):
    return [
        AddDestination(eg.WEB, DestinationKey("192.0.2.9", port), eg.DIRECT)
        for port in range(1, count + 1)
    ]


def test_what_is_applied_refused_and_waiting_is_counted():
    changes = additions(5)
    plan = SimpleNamespace(changes=changes)
    failed = [errors.KernelRefused(changes[3], errno.EINVAL)]
    error = errors.PartlyApplied(plan, changes[:2], failed)
    assert (error.plan, error.done, error.failed) == (plan, tuple(changes[:2]), tuple(failed))
    head, *lines = str(error).splitlines()
    assert re.findall(r"[0-9]+", head) == ["5", "2", "1", "2"]
    assert lines == [f"- {failed[0]}"]


@pytest.mark.parametrize("count, more", [(10, []), (11, ["- and 1 more"]), (30, ["- and 20 more"])])
def test_only_ten_are_told_by_name(count, more):
    changes = additions(count)
    plan = SimpleNamespace(changes=changes)
    failed = [errors.KernelRefused(change, errno.EINVAL) for change in changes]
    assert str(errors.PartlyApplied(plan, (), failed)).splitlines()[1:] == [
        *(f"- {refusal}" for refusal in failed[:10]),
        *more,
    ]
    assert str(errors.NotConverged(plan, ())).splitlines()[1:] == [
        *(f"- {change}" for change in changes[:10]),
        *more,
    ]


def test_what_differs_still_is_counted_and_told():
    left = RemoveService(eg.WEB, eg.service(eg.WEB))
    error = errors.NotConverged(SimpleNamespace(changes=(left,)), additions(3))
    head, line = str(error).splitlines()
    assert head.startswith("changes accepted by the kernel: 3, and yet to be made: 1 (")
    assert line == "- remove service tcp://192.0.2.1:80"
    assert len(error.done) == 3


def test_faults_as_plain_data():
    faults = [errors.Fault("weight", "70000 is not in 0..65535"), errors.Fault("", "is no mapping")]
    assert errors.InvalidValue(faults).plain() == [
        {"path": "weight", "reason": "70000 is not in 0..65535"},
        {"path": "", "reason": "is no mapping"},
    ]
