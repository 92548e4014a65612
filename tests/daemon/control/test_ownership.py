from __future__ import annotations

import pytest
from ansible_collections.lvs.ipvs.tests.daemon.control.keeping import (
    FOREIGN,
    ONE,
    A,
    B,
    Watched,
    settled,
)
from ansible_collections.lvs.ipvs.tests.daemon.control.parts import (
    VIP,
    desired,
    messages,
    snapshot,
    weights_in,
)
from ipvsman.control.journal import Kind
from ipvsman.control.store import StoreError


def test_a_service_is_ours_on_disk_before_it_is_in_the_kernel(world):
    kernel = Watched()
    seen = []
    kernel.before_apply = lambda: seen.append(world.owned())
    settled(world.keeper(kernel), snapshot(ONE))
    assert seen[0] == ["tcp://192.0.2.1:80"]


def test_ownership_outlives_us(world):
    kernel = Watched(FOREIGN)
    first = world.keeper(kernel)
    settled(first, snapshot(ONE))
    assert first.stop(5.0)
    assert set(weights_in(kernel)) == {str(VIP), str(FOREIGN.key)}
    second = world.keeper(kernel)
    settled(second, snapshot(desired()))
    assert set(weights_in(kernel)) == {str(FOREIGN.key)}


@pytest.mark.parametrize("data", ['"tcp"', "[1]", '["tcp://"]', '{"a": 1}', "17"])
def test_an_ownership_file_of_others_is_set_aside(world, data):
    world.directory.mkdir()
    path = world.directory / "owned.json"
    path.write_text(f'{{"version": 1, "data": {data}}}')
    keeper = world.keeper(Watched(FOREIGN))
    settled(keeper, snapshot(ONE))
    assert world.owned() == [str(VIP)]
    (complaint,) = world.complaints
    assert "cannot be understood" in complaint
    assert [each.read_text() for each in world.directory.glob("*broken*")] == [
        f'{{"version": 1, "data": {data}}}'
    ]


def test_ownership_that_cannot_be_written_is_told_once_and_written_later(world):
    write = world.store.write
    full = True

    def refuse(name, data):
        if full:
            raise StoreError("owned.json cannot be written: No space left on device")
        write(name, data)

    world.store.write = refuse
    kernel = Watched()
    keeper = world.keeper(kernel)
    settled(keeper, snapshot(ONE))
    settled(keeper, snapshot(ONE))
    # A full disk stops nothing.
    assert weights_in(kernel) == {str(VIP): {A: 5, B: 5}}
    (told,) = messages(world.journal, Kind.ERROR)
    assert "No space left" in told
    full = False
    settled(keeper, snapshot(ONE))
    assert world.owned() == [str(VIP)]
