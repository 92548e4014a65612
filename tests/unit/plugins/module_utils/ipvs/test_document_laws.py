"""Whatever a document says: what is wrong in it is found, and nothing else."""

from __future__ import annotations

import contextlib
import copy

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.document import (
    Reader,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.errors import (
    InvalidValue,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.plain import (
    plain_table,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.wish import (
    TableWish,
    resolve,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.documents import (
    faults_of,
    read,
)
from hypothesis import given
from hypothesis import strategies as st

#: What stands nowhere in a document: every place wants a word, a whole number, a list or a mapping.
NEVER = 3.5


def places(data, path=""):
    """Path, container and key of everything inside of a document."""
    if isinstance(data, dict):
        for key in data:
            below = f"{path}.{key}" if path else key
            yield below, data, key
            yield from places(data[key], below)
    elif isinstance(data, list):
        for number in range(len(data)):
            below = f"{path}[{number}]"
            yield below, data, number
            yield from places(data[number], below)


@given(st.data())
def test_a_fault_is_found_where_it_is_and_nowhere_else(data):
    plain = plain_table(data.draw(draws.states()))
    path, container, key = data.draw(st.sampled_from(list(places(plain))))
    container[key] = NEVER
    ((found, reason),) = faults_of(plain)
    assert found == path
    assert "3.5" in reason


@given(st.data())
def test_an_unknown_option_is_found_where_it_is(data):
    plain = plain_table(data.draw(draws.states()))
    mappings = [("", plain)]
    mappings += [(path, box[key]) for path, box, key in places(plain) if isinstance(box[key], dict)]
    path, mapping = data.draw(st.sampled_from(mappings))
    mapping["zzz"] = data.draw(st.none() | st.integers())
    ((found, reason),) = faults_of(plain)
    assert found == (f"{path}.zzz" if path else "zzz")
    assert reason.startswith("is not known here, only ")
    for option in mapping.keys() - {"zzz"}:
        assert option in reason


@given(st.data())
def test_every_fault_is_told_at_once(data):
    plain = plain_table(data.draw(draws.states()))
    leaves = [place for place in places(plain) if not isinstance(place[1][place[2]], (dict, list))]
    chosen = data.draw(st.lists(st.sampled_from(leaves), unique_by=lambda place: place[0]))
    for _path, container, key in chosen:
        container[key] = NEVER
    if not chosen:
        read(plain)
        return
    found = [path for path, _reason in faults_of(plain)]
    expected = [path for path, _container, _key in chosen]
    # Whether these are right can be told of a named service only: it depends on its family.
    if any(path.endswith("].service") for path in expected):
        by_family = ("].netmask", "].local_addresses[")
        expected = [path for path in expected if not any(each in path for each in by_family)]
        found = [path for path in found if not any(each in path for each in by_family)]
    assert sorted(found) == sorted(expected)


WORDS = (
    "defaults services timeouts sync_daemons service address port weight scheduler sched forwarding"
    " forward flags persistence netmask engine destinations upper_threshold lower_threshold tunnel"
    " type checksum tcp tcp_fin udp role interface sync_id maxlen group ttl"
).split()
VALUES = (
    "tcp://192.0.2.1:80 fwmark:7 udp://[2001:db8::1]:53 192.0.2.1 192.0.2.1:80 2001:db8::1 nat gue"
    " sh-port one-packet,flag-1 rr sip none master backup eth0 224.0.0.81 255.255.255.0"
    " ::ffff:255.0.0.0 tunnel csum"
).split()
anything = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-1, 70000)
    | st.integers()
    | st.floats()
    | st.sampled_from(VALUES)
    | st.text(max_size=5)
    | st.binary(max_size=2),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(WORDS) | st.text(max_size=3) | st.integers() | st.none(),
            inner,
            max_size=5,
        )
    ),
    max_leaves=15,
)


@st.composite
def near_documents(draw):
    """A right document with some of its values changed for anything: faults lie deep."""
    plain = plain_table(draw(draws.states()))
    found = list(places(plain))
    for _path, container, key in draw(st.lists(st.sampled_from(found), max_size=3)):
        container[key] = draw(anything)
    return plain


@given(anything | near_documents())
def test_any_data_is_a_wish_or_an_invalid_value(data):
    untouched = copy.deepcopy(data)
    reader = Reader()
    wish = reader.table(data)
    assert repr(data) == repr(untouched)
    assert isinstance(wish, TableWish)
    if reader.faults:
        with pytest.raises(InvalidValue) as raised:
            reader.finish()
        assert list(raised.value.faults) == reader.faults
        assert all(fault.reason for fault in reader.faults)
    else:
        with contextlib.suppress(InvalidValue):
            resolve(wish, eg.EMPTY, draws.INTERFACES.get)
