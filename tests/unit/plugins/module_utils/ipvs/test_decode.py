"""What a kernel answers is composed by hand, in the order in which ip_vs_genl_fill_* put it."""

from __future__ import annotations

import struct
from dataclasses import replace

import pytest
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs import (
    decode,
    encode,
    wire,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.changes import (
    AddDestination,
    AddService,
    SetTimeouts,
    StartDaemon,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.decode import (
    Rows,
    UnknownValue,
    attributes,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.model import (
    Counters,
    DestinationCounters,
    DestinationKey,
    Endpoint,
    Family,
    KernelInfo,
    SyncDaemon,
    Timeouts,
    Transport,
)
from ansible_collections.lvs.ipvs.plugins.module_utils.ipvs.schedulers import (
    SCHEDULERS,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    examples as eg,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs import (
    strategies as draws,
)
from ansible_collections.lvs.ipvs.tests.unit.plugins.module_utils.ipvs.messages import (
    NESTED,
    attribute,
    be16,
    parts,
    string,
    u8,
    u16,
    u32,
    u64,
)
from hypothesis import given
from hypothesis import strategies as st

SERVICE_ORDER = (1, 5, 2, 3, 4, 6, 11, 7, 8, 9, 10, 12)
DESTINATION_ORDER = (1, 2, 3, 4, 13, 14, 15, 5, 6, 7, 8, 9, 11, 10, 12)


def stats(number, numbers, wide, padded=True):
    """The nested statistics: 1 to 10, and padding that some hosts align 64 bits with."""
    put = u64 if wide else u32
    inside = [
        (attribute(11, b"") if wide and padded else b"") + put(kind, value)
        for kind, value in enumerate(numbers, 1)
    ]
    return attribute(NESTED | number, b"".join(inside))


def in_order(order, *inside):
    """The attributes as the kernel puts them."""
    return b"".join(sorted(inside, key=lambda part: order.index(parts(part)[0][0] & 0x3FFF)))


def service_message(key, settings, counted=range(10), padded=True):
    """A service as a dump has it."""
    _number, data = encode.command(AddService(key, settings))
    inside = [part for _kind, part in parts(data[4:])]
    inside += [stats(10, [0] * 10, wide=False), stats(12, counted, wide=True, padded=padded)]
    return attribute(NESTED | 1, in_order(SERVICE_ORDER, *inside))


def destination_message(key, settings, leave_out=(), active=1, counted=range(10)):
    """A destination as a dump has it; leave_out: what an older kernel does not tell."""
    _number, data = encode.command(AddDestination(eg.WEB, key, settings))
    inside = [part for _kind, part in parts(parts(data)[1][1][4:])]
    inside += [u32(7, active), u32(8, 2), u32(9, 3)]
    inside += [stats(10, [5] * 10, wide=False), stats(12, counted, wide=True)]
    told = [part for part in inside if parts(part)[0][0] & 0x3FFF not in leave_out]
    return attribute(NESTED | 2, in_order(DESTINATION_ORDER, *told))


def service_rows():
    return Rows(decode.SERVICE_IDENTITY, decode.SERVICE_SETTINGS)


def destination_rows():
    return Rows(decode.DESTINATION_IDENTITY, decode.DESTINATION_SETTINGS, decode.DESTINATION_FAMILY)


def read_service(rows, data):
    identity, settings = rows.row(data)
    key = decode.service_key(identity)
    return key, decode.service_settings(settings, key.family)


def read_destination(rows, data, family=Family.INET):
    identity, settings, af = rows.row(data)
    return decode.destination_key(identity, af, family), decode.destination_settings(settings)


# -- attributes


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.binary(max_size=9)), max_size=5))
def test_attributes_are_told_apart(wanted):
    data = b"".join(attribute(kind, payload) for kind, payload in wanted)
    assert list(attributes(data)) == [(kind & 0x3FFF, payload) for kind, payload in wanted]


@pytest.mark.parametrize("data", [b"\x03\0\1\0", b"\0\0\0\0", b"\x09\0\1\0abcd", b"\xff\xff\1\0"])
def test_an_attribute_that_is_cut_off_is_unknown(data):
    with pytest.raises(UnknownValue, match="cut off"):
        list(attributes(data))


@given(st.binary(max_size=40))
def test_any_bytes_are_attributes_or_unknown(data):
    try:
        found = list(attributes(data))
    except UnknownValue:
        return
    assert sum(4 + len(payload) for _kind, payload in found) <= len(data)


# -- services and destinations


@given(st.data())
def test_services_are_read_as_they_were_written(data):
    keys = data.draw(st.lists(draws.service_keys, min_size=1, max_size=5))
    rows = service_rows()
    for key in keys:
        settings = data.draw(draws.held_service_settings(key.family))
        message = service_message(key, settings, padded=data.draw(st.booleans()))
        assert read_service(rows, message) == (key, settings)


def test_messages_of_one_length_may_be_of_two_layouts():
    long = replace(eg.STICKY, scheduler="a" * 8, engine="")
    short = replace(eg.STICKY, scheduler="sh", engine="sip")
    marked = replace(eg.STICKY, scheduler="a" * 15, engine="b" * 15)
    unmarked = replace(eg.STICKY, scheduler="a" * 5, engine="")
    pairs = [((eg.WEB, long), (eg.WEB, short)), ((eg.MARK, marked), (eg.WEB, unmarked))]
    for one, other in pairs:
        messages = [service_message(*one), service_message(*other)]
        lengths = {len(message) for message in messages}
        rows = service_rows()
        assert [read_service(rows, message) for message in messages] == [one, other]
        assert [read_service(rows, message) for message in messages] == [one, other]
        assert len(lengths) == 1


@given(
    st.lists(
        st.tuples(draws.destination_keys(), draws.held_destination_settings, st.integers(0, 9)),
        min_size=1,
        max_size=5,
    )
)
def test_destinations_are_read_as_they_were_written(pool):
    rows = destination_rows()
    for key, settings, active in pool:
        found = read_destination(rows, destination_message(key, settings, active=active))
        assert found == (key, settings)


def test_what_is_written_is_read_without_a_kernel_between():
    _number, data = encode.command(AddDestination(eg.WEB, eg.THREE6, eg.TUNNELLED))
    (_kind, _service), (_other, destination) = parts(data)
    assert read_destination(destination_rows(), destination) == (eg.THREE6, eg.TUNNELLED)


@given(st.data())
def test_a_layout_that_was_learned_does_not_outlive_its_length(data):
    rows = service_rows()
    engines = data.draw(st.lists(st.sampled_from(["", "sip"]), min_size=2, max_size=6))
    for engine in engines:
        scheduler = data.draw(st.sampled_from(sorted(SCHEDULERS)))
        key = data.draw(st.sampled_from([eg.WEB, eg.WEB6, eg.MARK]))
        netmask = eg.HOST6 if key.family is Family.INET6 else eg.HOST
        settings = replace(eg.STICKY, scheduler=scheduler, netmask=netmask, engine=engine)
        assert read_service(rows, service_message(key, settings)) == (key, settings)


def test_what_older_kernels_do_not_tell_is_what_they_do():
    rows = destination_rows()
    data = destination_message(eg.ONE, eg.TUNNELLED, leave_out=(11, 13, 14, 15))
    assert read_destination(rows, data, Family.INET) == (eg.ONE, eg.TUNNELLED)
    data = destination_message(eg.THREE6, eg.DIRECT, leave_out=(11, 13, 14, 15))
    assert read_destination(rows, data, Family.INET6) == (eg.THREE6, eg.DIRECT)


def test_persistence_counts_when_its_flag_is_set():
    told = in_order(
        SERVICE_ORDER,
        string(6, "wlc"),
        attribute(7, struct.pack("=II", 0x0002, 0xFFFFFFFF)),
        u32(8, 300),
        attribute(9, b"\xff\xff\xff\xff"),
    )
    # 0x0002 says that the kernel has it in its hash table, which is nobody's wish.
    assert decode.service_settings(told, Family.INET) == eg.WLC


# -- what no word exists for

IDENTITY = u16(1, 2) + u16(2, 6) + attribute(3, bytes(16)) + be16(4, 80)


@pytest.mark.parametrize(
    "identity, says",
    [
        (IDENTITY.replace(u16(1, 2), u16(1, 99)), "the kernel reports address family 99"),
        (IDENTITY.replace(u16(2, 6), u16(2, 50)), "the kernel reports transport protocol 50"),
        (u16(1, 2) + u16(2, 6), "an address of 0 bytes where 4 are due"),
        (u16(1, 10) + u16(2, 6) + attribute(3, bytes(4)), "an address of 4 bytes where 16 are due"),
        (b"", "the kernel reports address family 0"),
        (IDENTITY[:-3], "cut off"),
    ],
)
def test_a_service_without_a_word_is_unknown(identity, says):
    with pytest.raises(UnknownValue, match=says):
        decode.service_key(identity)


@pytest.mark.parametrize(
    "settings, says",
    [
        (u32(3, 5), "the kernel reports forwarding method 5, which has no name here"),
        (u32(3, 2) + u8(13, 7), "the kernel reports tunnel type 7"),
        (u32(3, 2) + u16(15, 4), "the kernel reports tunnel checksum flags 4"),
    ],
)
def test_a_destination_without_a_word_is_unknown(settings, says):
    with pytest.raises(UnknownValue, match=says):
        decode.destination_settings(settings)


@pytest.mark.parametrize(
    "identity, af",
    [
        (b"", u16(11, 2)),
        (attribute(1, bytes(16)), u16(11, 2)),
        (be16(2, 80) + attribute(1, bytes(16)), u16(11, 2)),
        (u32(1, 0) + attribute(2, bytes(16)), u16(11, 2)),
        (attribute(1, bytes(16)) + be16(3, 80), u16(11, 2)),
        (attribute(12, bytes(16)) + be16(2, 80), u16(11, 2)),
        (attribute(1, bytes(16)) + be16(2, 80), u16(11, 99)),
    ],
)
def test_a_destination_that_is_not_named_as_usual_is_unknown(identity, af):
    with pytest.raises(UnknownValue):
        decode.destination_key(identity, af, Family.INET)


good_messages = st.one_of(
    draws.service_keys.flatmap(
        lambda key: draws.held_service_settings(key.family).map(
            lambda settings: service_message(key, settings)
        )
    ),
    st.builds(destination_message, draws.destination_keys(), draws.held_destination_settings),
)


@st.composite
def bad_messages(draw):
    """A message cut short, or with some of its bytes changed."""
    data = bytearray(draw(good_messages))
    del data[draw(st.integers(0, len(data))) :]
    for _time in range(draw(st.integers(0, 3)) if data else 0):
        data[draw(st.integers(0, len(data) - 1))] = draw(st.integers(0, 255))
    return bytes(data)


@given(st.lists(good_messages | bad_messages(), max_size=6))
def test_any_messages_in_any_order_are_read_or_unknown(messages):
    services, destinations = service_rows(), destination_rows()
    for data in messages:
        for read, rows in ((read_service, services), (read_destination, destinations)):
            try:
                key, _settings = read(rows, data)
            except UnknownValue:
                continue
            assert str(key)


# -- the rest of the table


@given(draws.held_timeouts)
def test_timeouts_are_read_as_they_were_written(timeouts):
    _number, data = encode.command(SetTimeouts(Timeouts(1, 2, 3), timeouts))
    assert decode.timeouts(data) == timeouts


@given(draws.held_sync_daemons)
def test_sync_daemons_are_read_as_they_were_written(daemon):
    _number, data = encode.command(StartDaemon(daemon))
    assert decode.daemon(data[4:]) == daemon


def test_a_sync_daemon_of_an_older_kernel_speaks_to_the_usual_group():
    told = u32(1, 2) + string(2, "eth0") + u32(3, 7)
    assert decode.daemon(told) == SyncDaemon(eg.BACKUP.role, "eth0", 7, 0, "224.0.0.81", 0, 0)


def test_an_interface_has_any_name_that_linux_takes():
    held = replace(eg.BACKUP, interface="größe0")
    _number, data = encode.command(StartDaemon(held))
    assert decode.daemon(data[4:]) == held


def test_a_sync_daemon_in_no_known_state_is_unknown():
    with pytest.raises(UnknownValue, match="sync daemon state 3"):
        decode.daemon(u32(1, 3) + string(2, "eth0"))


def test_the_version_is_read():
    assert decode.info(u32(1, 0x010201) + u32(2, 4096)) == KernelInfo("1.2.1", 4096)
    assert decode.info(u32(1, 0xFFFE01) + u32(2, 64)) == KernelInfo("255.254.1", 64)
    assert decode.info(b"") == KernelInfo("0.0.0", 0)


WIDE = [2**40 + number for number in range(10)]


def test_counters_are_the_wide_ones_where_there_are_any():
    rows = Rows(decode.SERVICE_IDENTITY, decode.SERVICE_COUNTERS)
    identity, counted = rows.row(service_message(eg.WEB, eg.STICKY, WIDE))
    assert decode.service_key(identity) == eg.WEB
    assert decode.service_counters(counted) == Counters(
        connections=WIDE[0],
        packets_in=WIDE[1],
        packets_out=WIDE[2],
        bytes_in=WIDE[3],
        bytes_out=WIDE[4],
        connections_rate=WIDE[5],
        packets_in_rate=WIDE[6],
        packets_out_rate=WIDE[7],
        bytes_in_rate=WIDE[8],
        bytes_out_rate=WIDE[9],
    )


def test_counters_of_a_destination_are_read():
    rows = Rows(decode.DESTINATION_IDENTITY, decode.DESTINATION_COUNTERS, decode.DESTINATION_FAMILY)
    data = destination_message(eg.THREE6, eg.TUNNELLED, counted=WIDE)
    identity, counted, af = rows.row(data)
    assert decode.destination_key(identity, af, Family.INET) == eg.THREE6
    assert decode.destination_counters(counted) == DestinationCounters(1, 2, 3, Counters(*WIDE))


def test_older_kernels_have_narrow_counters():
    rows = Rows(decode.DESTINATION_IDENTITY, decode.DESTINATION_COUNTERS)
    _identity, counted = rows.row(destination_message(eg.ONE, eg.DIRECT, leave_out=(12,)))
    assert decode.destination_counters(counted).traffic == Counters(*[5] * 10)


def test_names_that_are_not_ascii_are_shown_all_the_same():
    told = attribute(6, b"r\xff\0rest") + attribute(7, bytes(8)) + u32(8, 0) + u32(9, 128)
    assert decode.service_settings(told, Family.INET6).scheduler == "r\\xff"


def test_a_mark_of_zero_is_no_firewall_mark():
    assert decode.service_key(IDENTITY + u32(5, 0)) == Endpoint(Transport.TCP, "0.0.0.0", 80)


def test_an_address_of_ipv4_is_in_the_first_of_its_bytes():
    identity = attribute(1, bytes([192, 0, 2, 9]) + bytes(12)) + be16(2, 8080)
    for af in (u16(wire.DEST_FAMILY, 2), b""):
        assert decode.destination_key(identity, af, Family.INET) == DestinationKey(
            "192.0.2.9", 8080
        )
