"""The configuration file: what it becomes, and that every mistake of it is told at once with its line."""

import os
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from quantrac.local.configuration import Configuration, ConfigurationError
from quantrac.local.configuration.keys import KEYS, SECTIONS
from quantrac.local.configuration.template import write_template
from quantrac.local.datadir import DataDir
from quantrac.local.errors import LocalError
from quantrac.local.kind import remember_kind
from quantrac.local.stack import Stack
from support.tls import Pair, make_certificate


def stack_of(folder: Path, text: str) -> Stack:
    data = DataDir(folder)
    data.create()
    (folder / "quantrac.yaml").write_text(text, encoding="utf-8")
    return Stack.from_configuration(data, demo=False)


def mistakes_of(folder: Path, text: str) -> list[str]:
    with pytest.raises(ConfigurationError) as refused:
        stack_of(folder, text).check()
    sentence = str(refused.value).removeprefix(f"{folder / 'quantrac.yaml'}: ")
    return [line.strip() for line in re.sub(r"^\d+ mistakes\n", "", sentence).splitlines()]


def test_a_folder_without_a_file_has_the_defaults_and_no_mistake(tmp_path: Path) -> None:
    configuration = Configuration.read(tmp_path)
    assert (configuration.values, configuration.mistakes, configuration.ports) == ({}, (), {})


def test_every_key_reaches_the_services_under_the_name_that_they_read(tmp_path: Path) -> None:
    text = """
ftp: {listen: 0.0.0.0, port: 2100, passive_ports: 60000-60099, public_address: 203.0.113.7, plain: allowed}
sftp: {enabled: false, listen: 127.0.0.2}
http: {listen: 127.0.0.3, port: 8000}
api: {listen: "::1"}
settings: {QUANTRAC_WATCH_GRACE_MINUTES: 20, QUANTRAC_AVERAGE_SUSPECT: true}
"""
    stack = stack_of(tmp_path, text)
    (intake,) = (role for role in stack.roles() if role.name == "province.receiver.intake")
    expected = {
        "QUANTRAC_FTP_HOST": "0.0.0.0",
        "QUANTRAC_FTP_PORT": "2100",
        "QUANTRAC_FTP_PASSIVE_PORTS": "60000-60099",
        "QUANTRAC_FTP_PUBLIC_ADDRESS": "203.0.113.7",
        "QUANTRAC_FTP_PLAIN": "allowed",
        "QUANTRAC_SFTP_ENABLED": "false",
        "QUANTRAC_SFTP_HOST": "127.0.0.2",
        "QUANTRAC_HTTP_HOST": "127.0.0.3",
        "QUANTRAC_HTTP_PORT": "8000",
        "QUANTRAC_API_HOST": "::1",
        "QUANTRAC_WATCH_GRACE_MINUTES": "20",
        "QUANTRAC_AVERAGE_SUSPECT": "true",
    }
    assert {name: intake.env[name] for name in expected} == expected
    assert stack.check() >= {*expected}, "the services read every one of them"


def test_all_mistakes_are_told_at_once_with_line_and_key(tmp_path: Path) -> None:
    (tmp_path / "open").write_text("secret")
    (tmp_path / "open").chmod(0o644)
    text = """ftp:
  prot: 21
  passive_ports: 60099-60000
  port: 70000
  plain: sometimes
frp: {}
sftp: {enabled: yes please}
ministry:
  url: ministry.example.org
  account: province-01
  password_file: open
notify: {targets: nowhere.yaml}
retention: {raw-files: 60, alert: 0, station-registry: 5}
settings:
  QUANTRAC_SPOOL: /tmp
  QUANTRAC_FTP_HOST: 0.0.0.0
  QUANTRAC_WATCH_GRACE_MINUTE: 5
  QUANTRAC_WATCH_SECONDS: -1
  QUANTRAC_MINISTRY_PASSWORD: hunter2
"""
    told = mistakes_of(tmp_path, text)
    expected = [
        r"line 2: ftp\.prot: unknown key; did you mean 'port'\?",
        r"line 3: ftp\.passive_ports: .*'60099-60000' is not first-last.*",
        r"line 4: ftp\.port: 70000 is no port from 1 to 65535",
        r"line 5: ftp\.plain: .*'allowed'.*",
        r"line 6: frp: unknown section; did you mean 'ftp'\?",
        r"line 7: sftp\.enabled: 'yes please' is neither true nor false",
        r"line 9: ministry\.url: .*",
        r"line 11: ministry\.password_file: .*can be read by others than its owner; `chmod 600` mends that",
        r"line 12: notify\.targets: .*nowhere\.yaml: No such file or directory",
        r"line 13: retention\.alert: 0 is no number of days from 1 to 36500",
        r"line 13: retention\.raw-files: there is no topic .*; did you mean 'raw-file'\?",
        r"line 13: retention\.station-registry: there is no topic of this name whose messages end.*",
        r"line 15: settings\.QUANTRAC_SPOOL: `quantrac up` sets it by itself",
        r"line 16: settings\.QUANTRAC_FTP_HOST: write it as ftp\.listen",
        r"line 17: settings\.QUANTRAC_WATCH_GRACE_MINUTE: .*; did you mean 'QUANTRAC_WATCH_GRACE_MINUTES'\?",
        r"line 18: settings\.QUANTRAC_WATCH_SECONDS: .*greater than 0.*",
        r"line 19: settings\.QUANTRAC_MINISTRY_PASSWORD: a password has no place in this file.*",
    ]
    assert len(told) == len(expected), "\n".join(told)
    for sentence, pattern in zip(told, expected, strict=True):
        assert re.fullmatch(pattern, sentence), sentence
    assert "hunter2" not in "".join(told)


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("ftp: [1, 2]", r"line 1: ftp: expected keys with values"),
        ("- ftp", r"expected the sections ftp, .*"),
        ("ftp:\n  port: {a: 1\n", r"line 3: not readable as YAML: .*"),
        ("ftp: {port: 2_100}", r"line 1: ftp\.port: '2_100' is no number"),
        ("retention: {alert: 1_0}", r"line 1: retention\.alert: '1_0' is no number"),
        ("settings: {QUANTRAC_X: 1_0}", r"line 1: settings\.QUANTRAC_X: '1_0' is no number"),
        ("ftp: {port: 2100}\napi: {}\nftp: {listen: 0.0.0.0}\n", r"line 3: 'ftp' stands twice; .*"),
        ("api:\n  port: 1\n  port: 2\n", r"line 3: 'port' stands twice; .*"),
        ("ftp: {announce: [a]}", r"line 1: ftp\.announce: expected one value, not \['a'\]"),
    ],
)
def test_a_file_that_is_no_configuration_is_refused_and_never_an_exception(
    tmp_path: Path, text: str, sentence: str
) -> None:
    told = [str(mistake) for mistake in stack_of(tmp_path, text).configuration.mistakes]
    assert [line for line in told if re.fullmatch(sentence, line)], told


@pytest.mark.parametrize(
    ("content", "problem"),
    [(b"# ours\nHOOK whsec_abc\n", "line 2: expected NAME=value"), (b"HOOK=\xe9\n", "is not UTF-8")],
)
def test_a_file_of_secrets_that_is_none_is_refused_and_not_quoted(
    tmp_path: Path, content: bytes, problem: str
) -> None:
    (tmp_path / "secrets").write_bytes(content)
    (tmp_path / "secrets").chmod(0o600)
    (mistake,) = stack_of(tmp_path, "notify: {secrets: secrets}").configuration.mistakes
    assert mistake.problem.endswith(problem)
    assert "whsec" not in str(mistake)


def test_half_a_ministry_is_told_what_is_missing(tmp_path: Path) -> None:
    assert mistakes_of(tmp_path, "# ours\nministry: {name: Bộ}") == [
        "line 2: ministry.account: is missing",
        "line 2: ministry.password_file: the file is missing or empty",
        "line 2: ministry.url: is missing",
    ]


def test_a_file_that_is_not_utf8_is_refused_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "quantrac.yaml").write_bytes(b"ftp: {}\nministry: {name: B\xe9}\n")
    assert [str(mistake) for mistake in Configuration.read(tmp_path).mistakes] == ["line 2 is not UTF-8"]


PROVINCE = {
    "tier": "province",
    "ftp.listen": "0.0.0.0",
    "ftp.port": 2121,
    "ministry.name": "yes: # no",
    "retention.alert": 400,
}
MINISTRY = {"tier": "ministry", "http.listen": "0.0.0.0", "api.announce": "yes: # no"}


@pytest.mark.parametrize("values", [PROVINCE, MINISTRY, {"api.port": 8080}], ids=["p", "m", "none"])
def test_a_written_file_has_every_key_of_its_tier_and_means_what_was_chosen(
    tmp_path: Path, values: dict[str, Any]
) -> None:
    text = write_template(values)
    (tmp_path / "quantrac.yaml").write_text(text)
    configuration = Configuration.read(tmp_path)
    assert (configuration.values, configuration.mistakes) == (values, ())
    tier = values.get("tier", "province")
    for key in KEYS:
        section, _, name = key.name.partition(".")
        is_written = re.search(rf"^#? *{name or section}: ", text, re.MULTILINE)
        assert is_written or not key.is_of(tier), key.name
    assert ("ftp:" in text, "client_authority" in text) == (tier == "province", tier == "ministry")


@pytest.mark.parametrize("tier", ["province", "ministry"])
def test_the_examples_of_a_written_file_are_values_that_it_may_have(tmp_path: Path, tier: str) -> None:
    for key in KEYS:
        if key.kind.endswith("file"):
            (tmp_path / key.example).parent.mkdir(exist_ok=True)
            (tmp_path / key.example).touch(0o600)
    text = re.sub(r"^#(  [\w-]+: )", r" \1", write_template({"tier": tier}), flags=re.MULTILINE)
    of_a_province = {"ftp", "sftp", "file_target"} if tier == "ministry" else set()
    assert set(yaml.safe_load(text)) == {"tier", *SECTIONS} - of_a_province
    (tmp_path / "quantrac.yaml").write_text(text.replace("\n   ", "\n  "))
    configuration = Configuration.read(tmp_path)
    assert configuration.mistakes == ()
    assert set(configuration.values) >= {key.name for key in KEYS if key.is_of(tier)}


@pytest.mark.parametrize(
    ("text", "urls", "listens"),
    [
        ("", {"ftp": "ftp://127.0.0.1:2121", "api": "http://127.0.0.1:8080"}, "127.0.0.1:2121"),
        ("ftp: {listen: 127.0.0.2}", {"ftp": "ftp://127.0.0.2:2121"}, "127.0.0.2:2121"),
        (
            "ftp: {listen: 0.0.0.0, port: 21, announce: files.example.org}",
            {"ftp": "ftp://files.example.org:21"},
            "0.0.0.0:21",
        ),
        (
            "ftp: {listen: '::', announce: 'f.example.org:2100'}",
            {"ftp": "ftp://f.example.org:2100"},
            "[::]:2121",
        ),
        ("api: {announce: 'https://api.example.org/'}", {"api": "https://api.example.org"}, "127.0.0.1:2121"),
        (
            "clickhouse: {announce: 'https://sql.example.org'}",
            {"analyst": "https://analyst_quantrac@sql.example.org/"},
            "127.0.0.1:2121",
        ),
    ],
)
def test_addresses_are_told_as_they_are(
    tmp_path: Path, text: str, urls: dict[str, str], listens: str
) -> None:
    stack = stack_of(tmp_path, text)
    assert urls.items() <= stack.urls()["province"].items()
    assert stack.addresses(stack.tiers[0])["ftp"].listens_on == listens


def test_a_door_on_every_address_is_reached_from_this_machine_by_loopback(tmp_path: Path) -> None:
    assert stack_of(tmp_path, "ftp: {listen: 0.0.0.0}").local_url("ftp") == "ftp://127.0.0.1:2121"
    assert stack_of(tmp_path, "ftp: {listen: '::'}").local_url("ftp") == "ftp://[::1]:2121"
    assert stack_of(tmp_path, "ftp: {listen: 127.0.0.2}").local_url("ftp") == "ftp://127.0.0.2:2121"
    assert "sftp" not in stack_of(tmp_path, "sftp: {enabled: false}").urls()["province"]


def test_a_door_with_a_certificate_is_told_as_https(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.key.chmod(0o600)
    text = """
http: {listen: 0.0.0.0, announce: files.example.org, certificate: tls.crt, key: tls.key}
api: {certificate: tls.crt, key: tls.key}
"""
    stack = stack_of(tmp_path, text)
    urls = stack.urls()["province"]
    assert (urls["receiver"], urls["api"]) == ("https://files.example.org:8021", "https://127.0.0.1:8080")
    assert stack.check() >= {"QUANTRAC_HTTP_CERTIFICATE", "QUANTRAC_API_KEY"}
    pair.key.write_text("nothing")
    told = mistakes_of(tmp_path, text)
    assert [line.partition(": ")[2].partition(":")[0] for line in told] == [
        "http.certificate",
        "api.certificate",
    ]
    assert "are no certificate and its key" in told[0]


def test_a_ministry_has_its_own_roles_ports_and_keys(tmp_path: Path) -> None:
    (tmp_path / "provinces.pem").write_bytes(make_certificate()[0])
    text = """
tier: ministry
http: {listen: 127.0.0.3, port: 8443, certificate: tls.crt, key: tls.key, client_authority: provinces.pem}
ministry: {name: Bộ}
notify: {targets: notify.yaml}
settings: {QUANTRAC_DELIVERY_AHEAD_MINUTES: 5}
"""
    Pair(tmp_path).key.chmod(0o600)
    (tmp_path / "notify.yaml").write_text("targets: []")
    stack = stack_of(tmp_path, text)
    roles = {role.name: role for role in stack.roles()}
    assert set(roles) == {
        "ministry.receiver.deliveries",
        "ministry.aggregator.sink",
        "ministry.aggregator.windows",
        "ministry.aggregator.watch",
        "ministry.api.serve",
        "ministry.aggregator.notify",
    }
    expected = {
        "QUANTRAC_TIER": "ministry",
        "QUANTRAC_TOPIC_PREFIX": "",
        "QUANTRAC_CLICKHOUSE_DATABASE": "quantrac",
        "QUANTRAC_HTTP_HOST": "127.0.0.3",
        "QUANTRAC_HTTP_PORT": "8443",
        "QUANTRAC_HTTP_CLIENT_AUTHORITY": str(tmp_path / "provinces.pem"),
        "QUANTRAC_DELIVERY_AHEAD_MINUTES": "5",
        "QUANTRAC_MINISTRY_NAME": "Bộ",
    }
    assert expected.items() <= roles["ministry.receiver.deliveries"].env.items()
    assert list(stack.urls()) == ["ministry"]
    assert "ftp" not in stack.urls()["ministry"]
    assert stack.urls()["ministry"]["receiver"] == "https://127.0.0.3:8443"


def test_what_a_tier_does_not_have_is_a_mistake_in_its_file(tmp_path: Path) -> None:
    (tmp_path / "provinces.pem").write_bytes(make_certificate()[0])
    assert mistakes_of(tmp_path, "tier: ministry\nftp: {port: 21}\nministry:\n  account: a\n") == [
        "line 2: ftp.port: there is no such thing where the tier is ministry",
        "line 4: ministry.account: there is no such thing where the tier is ministry",
    ]
    assert mistakes_of(tmp_path, "http:\n  client_authority: provinces.pem\n") == [
        "line 2: http.client_authority: there is no such thing where the tier is province"
    ]
    assert mistakes_of(tmp_path, "tier: department\n") == [
        "line 1: tier: 'department' is neither province nor ministry"
    ]
    assert mistakes_of(tmp_path, "teir: ministry\n") == [
        "line 1: teir: unknown section; did you mean 'tier'?"
    ]


def test_the_demo_is_no_installation_of_a_ministry(tmp_path: Path) -> None:
    stack_of(tmp_path, "tier: ministry\n")
    with pytest.raises(LocalError, match="the demo has a ministry of its own"):
        Stack.from_configuration(DataDir(tmp_path), demo=True)


def test_a_folder_stays_of_the_tier_that_it_was_made_with(tmp_path: Path) -> None:
    data = stack_of(tmp_path, "tier: ministry\n").data
    for _ in range(2):
        remember_kind(data, demo=False, tier="ministry")
    with pytest.raises(LocalError, match=r"was made with tier: ministry, and quantrac\.yaml says province"):
        remember_kind(data, demo=False, tier="province")
    with pytest.raises(LocalError, match="start it so"):
        remember_kind(data, demo=True, tier="province")


def test_a_folder_that_was_made_before_there_were_tiers_is_a_provinces(tmp_path: Path) -> None:
    data = stack_of(tmp_path, "").data
    (tmp_path / "kind.json").write_text('{"demo": false}')
    remember_kind(data, demo=False, tier="province")
    (tmp_path / "kind.json").write_text('{"demo": false}')
    with pytest.raises(LocalError, match="was made with tier: province"):
        remember_kind(data, demo=False, tier="ministry")


def test_without_analysts_there_is_no_login_for_them(tmp_path: Path) -> None:
    stack = stack_of(tmp_path, "clickhouse: {analysts: false}")
    assert stack.analysts() == {}
    assert "analyst" not in stack.urls()["province"]


def test_another_users_configuration_is_not_believed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    stack_of(tmp_path, "ftp: {listen: 0.0.0.0}")
    another = os.geteuid() + 1
    monkeypatch.setattr(os, "geteuid", lambda: another)
    with pytest.raises(ValueError, match="belongs to another user"):
        Stack.from_configuration(DataDir(tmp_path), demo=False)
