from __future__ import annotations

import pytest
from ipvsman import choices
from ipvsman.arguments import parser

GIVEN = ["--service", "--api-enable"]


def chosen(*flags, environment=None):
    return choices.settings(parser().parse_args([*GIVEN, *flags]), environment or {})


def token(*flags, environment=None):
    return chosen(*flags, environment=environment).faces.api.token


def test_the_token_comes_from_the_first_that_says_one(tmp_path):
    file = tmp_path / "file"
    file.write_text("from file  \nand no more\n")
    (tmp_path / "api-token").write_text("from credential\n")
    flags = ["--api-token", "from option", "--api-token-file", str(file)]
    environment = {
        "IPVSMAN_API_TOKEN": "from environment",
        "CREDENTIALS_DIRECTORY": str(tmp_path),
    }
    assert token(*flags, environment=environment) == "from option"
    assert token("--api-token", "", *flags[2:], environment=environment) == "from file"
    assert token("--api-token=", environment=environment) == "from environment"
    environment["IPVSMAN_API_TOKEN"] = ""
    assert token(environment=environment) == "from credential"
    assert token(environment={"CREDENTIALS_DIRECTORY": str(tmp_path / "none")}) == ""
    assert token() == ""


@pytest.mark.parametrize(
    "content, reason",
    [
        (b"", "its first line is empty"),
        (b"\nsecret\n", "its first line is empty"),
        (b"  \n", "its first line is empty"),
        (b"\xff\xfe\n", "is not UTF-8 text"),
        (None, "No such file or directory"),
    ],
)
@pytest.mark.parametrize("source", ["file", "credential"])
def test_a_token_that_cannot_be_had_is_no_open_door(tmp_path, content, reason, source):
    file = tmp_path / "api-token"
    if content is not None:
        file.write_bytes(content)
    elif source == "credential":
        file.symlink_to(tmp_path / "api-token-2")
        (tmp_path / "api-token-2").mkdir()
        reason = "Is a directory"
    flags = ["--api-token-file", str(file)] if source == "file" else []
    environment = {"CREDENTIALS_DIRECTORY": str(tmp_path)} if source == "credential" else {}
    with pytest.raises(choices.NoToken, match=reason):
        token(*flags, environment=environment)


def test_the_daemon_does_not_start_then(ipvsman, tmp_path):
    said = ipvsman(*GIVEN, "--api-token-file", tmp_path / "none")
    assert (said.status, said.out) == (2, "")
    assert said.err == f"ipvsman: {tmp_path}/none: No such file or directory\n"


def test_the_token_is_in_no_representation():
    assert "secret" not in repr(chosen("--api-token", "secret"))


def test_what_is_not_asked_for_is_not_served():
    faces = choices.settings(parser().parse_args(["--service", "--socket="]), {}).faces
    assert (faces.api, faces.metrics, faces.socket) == (None, None, None)


def test_faces_as_asked_for():
    faces = chosen(
        *("--api-host", "[::1]", "--api-port", "1", "--api-enable-write", "--api-rate-limit", "7"),
        *("--api-max-body-bytes", "9", "--api-tls-cert", "c", "--api-tls-key", "k"),
        *("--prometheus-metrics", "--prometheus-host", "::1", "--prometheus-port", "2"),
        *("--no-prometheus-metrics-stats", "--no-prometheus-metrics-healthcheks"),
        *("--prometheus-metrics-stats-labels", "both", "--strict"),
    ).faces
    api, metrics = faces.api, faces.metrics
    assert (api.host, api.port, api.write, api.rate, api.max_body) == ("::1", 1, True, 7, 9)
    assert (api.certificate, api.key) == ("c", "k")
    assert (metrics.host, metrics.port) == ("::1", 2)
    assert (metrics.stats, metrics.health, metrics.labels) == (False, False, "both")
    assert faces.strict


def test_numbers_that_older_scripts_give():
    odd = chosen("--check-workers", "0", "--stats-interval", "-1", "--reload-interval", "-1")
    assert (odd.command_slots, odd.counters_age, odd.reload_interval) == (1, 0.0, -1.0)
    assert chosen("--state-dir=").state_dir is None


def test_every_flag_of_the_daemon_means_something():
    """A flag that is read and goes nowhere would be a promise."""
    plain = vars(parser().parse_args(GIVEN))
    for name, value in {
        "config_dir": "/x",
        "interval": 1.0,
        "reload_interval": 1.0,
        "stats_interval": 1.0,
        "lock_file": "/x",
        "socket": "/x",
        "state_dir": "/x",
        "netns": "x",
        "check_workers": 1,
        "shutdown_timeout": 1.0,
        "stale_grace_sec": 1.0,
        "cold_start_sec": 1.0,
        "strict": True,
        "observe": True,
        "clear_on_exit": True,
        "startup_full_replace": True,
        "api_host": "x",
        "api_port": 1,
        "api_enable_write": True,
        "api_max_body_bytes": 1,
        "api_rate_limit": 1,
        "api_tls_cert": "x",
        "api_tls_key": "x",
        "prometheus_metrics": True,
    }.items():
        options = parser().parse_args(GIVEN)
        assert plain[name] != value
        setattr(options, name, value)
        assert choices.settings(options, {}) != chosen(), name


@pytest.mark.parametrize("said, meant", [("0", 0.5), ("0.2", 0.5), ("3", 3.0)])
def test_no_end_is_rushed(said, meant):
    assert chosen("--shutdown-timeout", said).shutdown_timeout == meant
