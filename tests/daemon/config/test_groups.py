import pytest
from ipvsman.config.model import AllDown, OnDown
from ipvsman.ipvs.model import Endpoint, Transport

ROWS = "[{address: 10.0.0.1}, {address: 10.0.0.2}]"


def group(text):
    return (
        "group: web\nvip: 192.0.2.1\nhealthcheck: {type: tcp}\n"
        f"frontends: [{{name: f, proto: tcp, port: 80}}]\n{text}"
    )


def pool(drop_ins):
    return [(backend.address, backend.weight) for backend in drop_ins.frontend().backends]


def test_a_group_in_few_words(drop_ins):
    drop_ins.minimal()
    frontend = drop_ins.frontend()
    assert (frontend.group, frontend.name) == ("web", "front")
    assert frontend.services == (Endpoint(Transport.TCP, "192.0.2.1", 80),)
    assert frontend.settings.scheduler == "wrr"
    assert (frontend.on_down, frontend.all_down) == (OnDown.ZERO, AllDown.ZERO)
    assert not frontend.disabled
    assert not frontend.group_disabled
    assert str(frontend.origin).endswith("groups/g.yaml:4:5")
    assert drop_ins.warnings() == []


def test_names_of_groups_are_unique_over_all_files(drop_ins):
    drop_ins.write("groups/a.yaml", "[{group: x, frontends: []}, {group: x, frontends: []}]")
    drop_ins.write("groups/b.yaml", "{group: x, frontends: []}")
    a, b = drop_ins.faults()
    assert a.startswith("groups/a.yaml:1:37: [1].group: duplicate group: x, first in ")
    assert b.startswith("groups/b.yaml:1:9: group: duplicate group: x, first in ")
    assert b.endswith("groups/a.yaml:1:2")


@pytest.mark.parametrize(
    "text, says",
    [
        ("frontends: []", "1:1: group: is needed: its name, unique in all files"),
        ("{group: off, frontends: []}", "1:9: group: False is not text; YAML reads off as False"),
        ("{group: 12, frontends: []}", "1:9: group: 12 is not text"),
        ("{group: '', frontends: []}", "1:9: group: is empty"),
        ('{group: "a\\nb", frontends: []}', "1:9: group: 'a\\nb' has a control character in it"),
        ("group: x", "1:1: frontends: is needed: list of frontends, may be []"),
        ("{group: x, frontends: }", "1:23: frontends: is said and left empty: list of front"),
        (
            "{group: x, frontends: [], backends: }",
            "1:37: backends: is said and left empty: list of b",
        ),
        (
            "{group: x, frontends: [], backend_files: }",
            "1:42: backend_files: is said and left empty",
        ),
        (
            "{group: x, frontends: [], healthcheck: }",
            "1:40: healthcheck: is said and left empty: how",
        ),
        ("{group: x, frontends: [], disabled: maybe}", "1:37: disabled: 'maybe' is neither true n"),
        ("{group: x, frontends: {}}", "1:23: frontends: {} is not a list"),
        ("{group: x, frontends: [], frontend: []}", "1:27: frontend: is not known here, only "),
        ("{group: x, frontends: [], vips: []}", "did you mean 'vip'?"),
        ("[a]", "1:2: [0]: 'a' is not a mapping with group, "),
        ("text", "1:1: 'text' is not a list, or one mapping with group, "),
    ],
)
def test_what_is_no_group(drop_ins, text, says):
    drop_ins.group(text)
    fault = drop_ins.fault()
    assert fault.startswith("groups/g.yaml:1:")
    assert says in fault


def test_frontends_have_from_the_group_what_they_leave_out(drop_ins):
    drop_ins.group(
        """
        group: web
        vip: [192.0.2.1, 192.0.2.2]
        scheduler: wlc
        persistence: 60
        on_down: remove
        all_down: keep
        healthcheck: {type: tcp}
        frontends:
          - {name: a, proto: tcp, port: 80}
          - name: b
            proto: tcp
            port: 80
            vip: 192.0.2.3
            scheduler: rr
            persistence: 0
            on_down: zero
            all_down: zero
          - {name: c, proto: tcp, port: 81, scheduler: '', vip: }
        """
    )
    a, b, c = drop_ins.load().frontends
    assert [str(key) for key in a.services] == ["tcp://192.0.2.1:80", "tcp://192.0.2.2:80"]
    assert [str(key) for key in b.services] == ["tcp://192.0.2.3:80"]
    assert (a.settings.scheduler, a.settings.persistence) == ("wlc", 60)
    assert (b.settings.scheduler, b.settings.persistence) == ("rr", 0)
    assert (a.on_down, a.all_down) == (OnDown.REMOVE, AllDown.KEEP)
    assert (b.on_down, b.all_down) == (OnDown.ZERO, AllDown.ZERO)
    assert c.settings.scheduler == "wlc"
    assert len(c.services) == 2


def test_empty_text_counts_as_not_said_where_it_always_did(drop_ins):
    drop_ins.group(
        """
        group: web
        vip: 192.0.2.1
        backend_map_ref: ""
        healthcheck: {type: http, path: "", host: "", query_name: "", query_type: ""}
        frontends:
          - {name: a, proto: tcp, port: 80, vip: ""}
        backends:
          - {address: 10.0.0.1, check_ref: ""}
        """
    )
    frontend = drop_ins.frontend()
    (backend,) = frontend.backends
    assert [str(key) for key in frontend.services] == ["tcp://192.0.2.1:80"]
    assert (backend.check.path, backend.check.host) == ("", "")
    warnings = drop_ins.warnings()
    assert len(warnings) == 7
    assert all(each.endswith(": is empty, and counts as not said") for each in warnings)
    assert any("groups/g.yaml:7:42: frontends[0].vip: " in each for each in warnings)
    assert len(drop_ins.faults(strict=True)) == 7


def test_disabled_is_told_and_said_to_be_heeded_once_a_file(drop_ins):
    drop_ins.minimal("vip: 192.0.2.1\ndisabled: yes", backend="disabled: true")
    frontend = drop_ins.frontend()
    assert frontend.group_disabled
    assert not frontend.disabled
    assert frontend.backends[0].disabled
    assert frontend.backends[0].weight == 1
    assert drop_ins.warning() == (
        "groups/g.yaml:3:11: disabled: weight 0, also in the running daemon; other tools gave full"
        " weight there (and 1 more in this file)"
    )
    assert drop_ins.load(strict=True).warnings[0].notice


def test_sources_are_merged_by_address_and_the_last_row_wins_whole(drop_ins):
    drop_ins.write("backends/x.yaml", "[{address: 10.0.0.2, weight: 20}, {address: 10.0.0.3}]")
    drop_ins.write("backends/one.yaml", "{ip: 10.0.0.4, weight: 4}")
    drop_ins.write("backend-maps/m.yaml", "pool: [{ip: 10.0.0.1}]\nother: {ip: 10.9.9.9}")
    drop_ins.group(
        group(
            """
backends: [{address: 10.0.0.1, weight: 7, method: routing}, {address: 10.0.0.2, weight: 7}]
backend_files: [backends/x.yaml, backends/one.yaml]
backend_map_ref: pool
"""
        )
    )
    assert pool(drop_ins) == [
        ("10.0.0.1", 1),
        ("10.0.0.2", 20),
        ("10.0.0.3", 1),
        ("10.0.0.4", 4),
    ]
    assert drop_ins.frontend().backends[0].forwarding.value == "masquerade"
    assert drop_ins.warnings() == []


def test_one_address_has_one_key_however_it_is_written(drop_ins):
    drop_ins.write("backends/x.yaml", "{address: '[2001:DB8:0::1]', weight: 5}")
    drop_ins.group(
        group("backends: [{address: 2001:db8::1}]\nbackend_files: [backends/x.yaml]").replace(
            "192.0.2.1", "2001:db8::80"
        )
    )
    assert pool(drop_ins) == [("2001:db8::1", 5)]


def test_an_address_twice_in_one_source_is_worth_a_word(drop_ins):
    drop_ins.group(group("backends:\n  - {address: a.test}\n  - {ip: a.test, weight: 3}\n"))
    assert pool(drop_ins) == [("a.test", 3)]
    assert "g.yaml:7:5: backends[1].address: a.test is there already (" in drop_ins.warning()


@pytest.mark.parametrize(
    "said, says",
    [
        ("/etc/x.yaml", "absolute backend file path is not allowed: /etc/x.yaml"),
        ("../x.yaml", "backend file path escapes config dir: ../x.yaml"),
        ("backends/link.yaml", "backend file path escapes config dir: backends/link.yaml"),
        ("x.yaml", "there is no file 'x.yaml' in "),
    ],
)
def test_backend_files_are_below_the_directory(drop_ins, tmp_path, said, says):
    (tmp_path / "x.yaml").write_text("[]")
    drop_ins.group(group(f"backend_files: [{said}]"))
    (drop_ins.directory / "backends").mkdir()
    (drop_ins.directory / "backends/link.yaml").symlink_to(tmp_path / "x.yaml")
    assert drop_ins.fault().startswith(f"groups/g.yaml:5:17: backend_files[0]: {says}")


def test_backend_files_may_lie_anywhere_below(drop_ins):
    drop_ins.write("more/x", ROWS).group(group("backend_files: [backends/../more/x]"))
    (drop_ins.directory / "backends").mkdir()
    config = drop_ins.load()
    assert len(config.frontends[0].backends) == 2
    assert drop_ins.told(config.files) == ["groups/g.yaml"]
    drop_ins.write("more/x", "[]")
    assert drop_ins.load().digest != config.digest
    assert pool(drop_ins) == []


def test_a_file_of_two_groups_is_complained_of_once(drop_ins):
    drop_ins.write("backends/x.yaml", "[{weight: 1}]")
    first = group("backend_files: [backends/x.yaml]")
    drop_ins.write("groups/a.yaml", first)
    drop_ins.write("groups/b.yaml", first.replace("web", "b").replace("0.2.1", "0.2.2"))
    assert drop_ins.fault() == (
        "backends/x.yaml:1:2: [0].address: is needed: an address or a host name"
    )


def test_an_empty_backend_file_is_no_empty_pool(drop_ins):
    drop_ins.write("backends/x.yaml", "").group(group("backend_files: [backends/x.yaml]"))
    assert drop_ins.fault() == "backends/x.yaml: is empty; a file without backends says []"


def test_an_unknown_map_gives_no_backends_as_ever_and_a_word(drop_ins):
    drop_ins.write("backend-maps/m.yaml", f"pool: {ROWS}").group(group("backend_map_ref: pol"))
    assert pool(drop_ins) == []
    assert drop_ins.warning() == (
        "groups/g.yaml:5:18: backend_map_ref: there is no 'pol' in backend-maps/; did you mean"
        " 'pool'?; it gives no backends"
    )
    assert drop_ins.faults(strict=True) == drop_ins.warnings()


def test_maps_have_names_of_their_own(drop_ins):
    drop_ins.write("backend-maps/a.yaml", f"pool: {ROWS}")
    drop_ins.write("backend-maps/b.yaml", f"pool: {ROWS}").group(group("backend_map_ref: pool"))
    assert "backend-maps/b.yaml:1:1: pool: duplicate backend map key: pool, first in" in (
        drop_ins.fault()
    )


def test_a_map_file_is_a_mapping(drop_ins):
    drop_ins.write("backend-maps/a.yaml", ROWS).group(group("backend_map_ref: pool"))
    assert drop_ins.fault() == "backend-maps/a.yaml:1:1: map file must be mapping"


def test_what_is_wrong_in_maps_that_nobody_uses_stops_nobody(drop_ins):
    drop_ins.write("backend-maps/a.yaml", ROWS).write("backend-maps/b.yaml", "x: [{weight: 1}]")
    drop_ins.minimal()
    assert drop_ins.warnings() == [
        "backend-maps/a.yaml:1:1: map file must be mapping",
        "backend-maps/b.yaml:1:5: x[0].address: is needed: an address or a host name",
    ]


def test_a_backend_that_no_service_can_forward_to(drop_ins):
    drop_ins.group(group("backends: [{address: '2001:db8::1'}]"))
    assert drop_ins.fault() == (
        "groups/g.yaml:5:22: backends[0].address: 2001:db8::1 is of another address family than"
        " every service of group web; that needs method tunnel, and method is masquerade"
    )
    drop_ins.group(group("backends: [{address: '2001:db8::1', method: tunnel}]"))
    assert drop_ins.warnings() == []


def test_services_of_two_families_share_a_pool(drop_ins):
    both = group("backends: [{address: '2001:db8::1'}, {address: 10.0.0.1}]")
    drop_ins.group(both.replace("192.0.2.1", "[192.0.2.1, '[2001:db8::80]']"))
    inet, inet6 = drop_ins.load().frontends
    assert (inet.name, inet.backends) == (inet6.name, inet6.backends)
    assert [str(key) for key in inet6.services] == ["tcp://[2001:db8::80]:80"]
    assert (inet.settings.netmask, inet6.settings.netmask) == (0xFFFFFFFF, 128)
    assert drop_ins.warnings() == []


def test_a_service_without_a_backend_of_its_family(drop_ins):
    text = group("backends: [{address: 10.0.0.1}]")
    drop_ins.group(text.replace("192.0.2.1", "[192.0.2.1, '2001:db8::80']"))
    assert drop_ins.warning() == (
        "groups/g.yaml:1:1: no backend is of address family inet6, which tcp://[2001:db8::80]:80"
        " needs"
    )
    drop_ins.group(text.replace("192.0.2.1", "'2001:db8::80'").replace("10.0.0.1", "a.test"))
    assert drop_ins.warnings() == []


def test_shared_rows_may_be_of_a_family_that_one_group_does_not_use(drop_ins):
    drop_ins.write("backend-maps/m.yaml", "pool: [{ip: 10.0.0.1}, {ip: '2001:db8::1'}]")
    drop_ins.group(group("backend_map_ref: pool"))
    assert "2001:db8::1 is of another address family" in drop_ins.warning()


def test_names_of_frontends_that_are_alike_are_worth_a_word(drop_ins):
    front = "{name: f, proto: %s, port: 53}"
    drop_ins.group(
        f"group: dns\nvip: 192.0.2.1\nhealthcheck: {{type: tcp}}\nfrontends:\n"
        f"  - {front % 'udp'}\n  - {front % 'tcp'}\n"
    )
    assert len(drop_ins.load().frontends) == 2
    assert "groups/g.yaml:6:12: frontends[1].name: 'f' is there already (" in drop_ins.warning()
