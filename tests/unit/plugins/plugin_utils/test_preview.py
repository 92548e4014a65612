"""The report of what would change: whole texts."""

from __future__ import annotations

from textwrap import dedent

from ansible_collections.lvs.ipvs.plugins.plugin_utils.preview import preview

SAME = {
    "refused": "",
    "program": {"present": True},
    "drop_ins": {"changed": False, "diff": []},
    "daemon": {"changed": False, "action": "none"},
    "table": {"changes": []},
}
DROP_INS = {
    "changed": True,
    "diff": [
        {
            "before_header": "/etc/ipvsman/groups/ansible.yaml",
            "after_header": "/etc/ipvsman/groups/ansible.yaml",
            "before": "a: 1\nb: 2",
            "after": "a: 1\nb: 3\n",
        }
    ],
}
DIFFERS = {
    **SAME,
    "program": {"present": False, "name": "0.2.0-abc", "missing": ["python3-aiohttp"]},
    "drop_ins": DROP_INS,
    "kernel": {"changed": True, "diff": {"prepared": "+ module ip_vs_mh\n+ module ip_vs_sh\n"}},
    "daemon": {"changed": True, "action": "reload", "reasons": ["it has other drop-ins"]},
    "table": {
        "changes": [
            {"action": "add_service", "summary": "add service tcp://192.0.2.1:80"},
            {"action": "add_destination", "summary": "add destination 10.0.0.1:80 to it"},
            {"action": "add_destination", "summary": "add destination 10.0.0.2:80 to it"},
        ]
    },
}


def test_a_fleet():
    rows = {
        "lb1": SAME,
        "lb2": DIFFERS,
        "lb3": DIFFERS,
        "lb4": {"refused": "a.yaml:1: no"},
        "lb5": False,
    }
    report = preview(rows)
    assert (report["same"], report["differ"], report["refused"]) == (1, 2, 2)
    assert report["text"] == dedent(
        """\
        5 directors: 1 same, 2 differ, 2 refused or not asked

        lb4: REFUSED, nothing would be changed: a.yaml:1: no
        lb5: could not be asked
        lb1: same

        lb2, lb3: differ, all alike: program 0.2.0-abc to be installed, with python3-aiohttp;\
 drop-ins 1 file; kernel 2 settings; reload (it has other drop-ins); table: 2 add_destination,\
 1 add_service
        --- /etc/ipvsman/groups/ansible.yaml
        +++ /etc/ipvsman/groups/ansible.yaml
        @@ -1,2 +1,2 @@
         a: 1
        -b: 2
        +b: 3
        + module ip_vs_mh
        + module ip_vs_sh
        table
          add service tcp://192.0.2.1:80
          add destination 10.0.0.1:80 to it
          add destination 10.0.0.2:80 to it
        """
    )


def test_what_would_change_otherwise_is_told_apart():
    other = {**SAME, "table": {"changes": [{"action": "set_timeouts", "summary": "udp 60"}]}}
    text = preview({"lb1": DIFFERS, "lb2": other})["text"]
    assert "lb1: differs: program" in text
    assert "lb2: differs: table: 1 set_timeouts\ntable\n  udp 60\n" in text


def test_only_the_same():
    assert preview({"lb1": SAME})["text"] == (
        "1 director: 1 same, 0 differ, 0 refused or not asked\n\nlb1: same\n"
    )
