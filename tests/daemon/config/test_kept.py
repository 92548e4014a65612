from __future__ import annotations

import os

import pytest
from ipvsman.config.kept import NAME, Kept
from ipvsman.config.loader import load

GROUP = """\
group: web
vip: 192.0.2.1
healthcheck: {type: tcp}
frontends: [{name: front, proto: tcp, port: 80, scheduler: rr}]
backend_files: [backends/web.yaml]
"""


@pytest.fixture
def drop_ins(tmp_path):
    place = tmp_path / "etc"
    for folder in ("groups", "backends"):
        (place / folder).mkdir(parents=True)
    (place / "groups" / "web.yaml").write_text(GROUP)
    (place / "backends" / "web.yaml").write_text("- {address: 10.0.0.1}\n")
    return place


@pytest.fixture
def state(tmp_path):
    return tmp_path / "state"


def test_what_was_good_is_had_after_the_files_have_gone_bad(drop_ins, state):
    config = load(drop_ins)
    Kept(state).keep(config)
    (drop_ins / "groups" / "web.yaml").write_text("group: [")
    (drop_ins / "backends" / "web.yaml").unlink()
    again = Kept(state).load()
    assert again.frontends == config.frontends
    assert again.digest == config.digest


def test_the_newest_takes_the_place_of_the_one_before(drop_ins, state):
    kept = Kept(state)
    kept.keep(load(drop_ins))
    (drop_ins / "backends" / "web.yaml").write_text("- {address: 10.0.0.2}\n")
    newest = load(drop_ins)
    kept.keep(newest)
    assert Kept(state).load().digest == newest.digest
    assert len(list(state.glob(f"{NAME}-*"))) == 1
    assert (state / NAME / "backends" / "web.yaml").read_text() == "- {address: 10.0.0.2}\n"


def test_the_same_is_not_written_again(drop_ins, state):
    config = load(drop_ins)
    kept = Kept(state)
    kept.keep(config)
    (state / NAME).unlink()
    kept.keep(config)
    assert not (state / NAME).exists()


def test_only_its_owner_reads_them(drop_ins, state):
    Kept(state).keep(load(drop_ins))
    assert (state / NAME).stat().st_mode & 0o077 == 0


def test_a_disk_that_does_not_take_it_leaves_the_one_before(drop_ins, state, monkeypatch):
    kept = Kept(state)
    first = load(drop_ins)
    kept.keep(first)
    (drop_ins / "backends" / "web.yaml").write_text("- {address: 10.0.0.2}\n")

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        kept.keep(load(drop_ins))
    assert Kept(state).load().digest == first.digest
    assert len(list(state.glob(f"{NAME}-*"))) == 1


def test_there_is_none_at_first_or_where_nothing_is_to_be_kept(drop_ins, state):
    assert Kept(state).load() is None
    nowhere = Kept(None)
    nowhere.keep(load(drop_ins))
    assert nowhere.load() is None


def test_what_is_no_longer_good_is_none(drop_ins, state):
    Kept(state).keep(load(drop_ins))
    (state / NAME / "groups" / "web.yaml").write_text("group: [")
    assert Kept(state).load() is None
