"""What is said when a maintenance or a roll-out was stopped: whole texts."""

from __future__ import annotations

from textwrap import dedent

import pytest
from ansible_collections.lvs.ipvs.plugins.plugin_utils.standing import drain, reasons, rollout

OUT = {"services": ["tcp://192.0.2.1:80"], "active": 3, "inactive": 7}


def loop(**by_director):
    return {"results": [{"director": name, **each} for name, each in by_director.items()]}


def told(**changed):
    return {
        "server": "real1",
        "failed": "Do the work",
        "result": {"msg": "non-zero return code", "stderr": "no space left\n"},
        "worked": True,
        "directors": ["lb1", "lb2"],
        "out": loop(lb1=OUT, lb2={**OUT, "active": 0}),
        "in": {},
        **changed,
    }


def test_work_that_failed_leaves_the_server_out():
    assert drain(told()) + "\n" == dedent(
        """\
        real1: failed at: Do the work
          non-zero return code
          no space left
        Work had begun on the server.
        It is now:
          lb1: OUT, with 3 active and 7 other connections
          lb2: OUT, with 0 active and 7 other connections
        To bring it back in, once it is fit to serve:
          ansible-playbook lvs.ipvs.drain -i INVENTORY -e drain_state=in --limit real1
        """
    )


def test_a_director_that_could_not_be_asked():
    broken = {"unreachable": True, "msg": "no route to host"}
    text = drain(
        told(
            failed="Take it out of every director, and wait for its connections",
            result={"msg": "One or more items failed", **loop(lb1=OUT, lb2=broken)},
            worked=False,
            out=loop(lb1=OUT, lb2=broken),
            **{"in": loop(lb1={"services": []}, lb2=broken)},
        )
    )
    assert text + "\n" == dedent(
        """\
        real1: failed at: Take it out of every director, and wait for its connections
          lb2: no route to host
        No work was done on the server.
        It is now:
          lb1: in
          lb2: OUT, and could not be brought back in (no route to host)
        To bring it back in, once it is fit to serve:
          ansible-playbook lvs.ipvs.drain -i INVENTORY -e drain_state=in --limit real1
        """
    )


@pytest.mark.parametrize(
    "out, back, word",
    [
        (OUT, {"services": []}, "in"),
        (OUT, {"idle": ["web/http: 10.0.0.1:80: down: refused"]}, "in, but the daemon gives it no"),
        (OUT, {"skipped": True}, "OUT, with 3 active"),
        ({"failed": True, "msg": "x"}, None, "not known (x)"),
        ({"services": []}, None, "does not forward to it"),
        ({"skipped": True}, None, "in, it was not asked"),
        (None, None, "in, it was not asked"),
    ],
)
def test_what_a_director_does_with_it(out, back, word):
    given = told(
        directors=["lb1"],
        out=loop(lb1=out) if out else {},
        **{"in": loop(lb1=back) if back else {}},
    )
    (line,) = [line for line in drain(given).splitlines() if line.startswith("  lb1: ")]
    assert line.startswith(f"  lb1: {word}")


def test_a_result_without_a_word():
    assert reasons({}) == ["it said nothing"]


PICTURE = {"running": True, "program": "/usr/lib/ipvsman/versions/0.1.0-abc", "version": "0.1.0"}


def rolled(**changed):
    return {
        "director": "lb2",
        "failed": "Is it as well as before?",
        "result": {"msg": "not as well as before:\nweb/http: 1 of 2 backends serve"},
        "lost": [],
        "rehearsed": False,
        "directors": ["lb1", "lb2", "lb3", "lb4"],
        "begun": ["lb1", "lb2"],
        "well": ["lb1"],
        "before": PICTURE,
        **changed,
    }


def test_a_roll_out_that_was_stopped():
    assert rollout(rolled()) + "\n" == dedent(
        """\
        lb2: stopped at: Is it as well as before?
          not as well as before:
          web/http: 1 of 2 backends serve
        Changed, and well: lb1.
        Not touched: lb3, lb4.
        To undo it: put the variables and files back as they were (git revert), then
          ansible-playbook lvs.ipvs.rollout -i INVENTORY --limit lb1,lb2
        Before, it ran /usr/lib/ipvsman/versions/0.1.0-abc (0.1.0). To go back to that program at\
 once, if it has not been removed:
          ln -sfn versions/0.1.0-abc /usr/lib/ipvsman/current && systemctl restart ipvsman
        The kernel forwards all the while; ipvsman --status-detailed says to whom.
        """
    )


GONE = "Task failed: ssh: connect to host 192.0.2.1 port 22: No route to host"


def test_a_director_that_is_lost_on_the_way():
    text = rollout(rolled(failed="Have it run", result={"msg": "undefined"}, lost=[GONE]))
    assert text.splitlines()[:4] == [
        "lb2: stopped, since it could not be reached",
        "  ssh: connect to host 192.0.2.1 port 22: No route to host",
        "How far lb2 has come is not known; the next run does what is left.",
        "Changed, and well: lb1.",
    ]


def test_a_director_that_is_not_there_from_the_start():
    lines = rollout(rolled(lost=[GONE], begun=["lb1"], before={})).splitlines()
    assert lines[2:5] == [
        "Nothing was changed on lb2.",
        "Changed, and well: lb1.",
        "Not touched: lb3, lb4.",
    ]
    assert lines[6].endswith("--limit lb1")
    lines = rollout(rolled(director="lb1", lost=[GONE], begun=[], well=[], before={})).splitlines()
    assert lines[2:] == [
        "Nothing was changed on lb1.",
        "Changed, and well: none.",
        "Not touched: lb2, lb3, lb4.",
    ]


def test_directors_that_are_changed_at_the_same_time():
    text = rollout(rolled(begun=["lb1", "lb2", "lb3", "lb4"], well=["lb1", "lb4"]))
    assert "Changed, and well: lb1, lb4.\n" in text
    assert "Changed with it, and not well either: lb3.\n" in text
    assert "Not touched: none.\n" in text
    assert "--limit lb1,lb3,lb4,lb2\n" in text


def test_a_rehearsal_has_nothing_to_undo():
    assert rollout(rolled(rehearsed=True)).splitlines()[-2:] == [
        "  web/http: 1 of 2 backends serve",
        "Nothing was changed: this was check mode.",
    ]


def test_of_a_director_that_ran_nothing_before_there_is_no_program_to_go_back_to():
    for before in ({"running": False}, {}):
        text = rollout(rolled(director="lb1", begun=["lb1"], well=[], before=before))
        assert "ln -sfn" not in text
        assert "Changed, and well: none." in text
