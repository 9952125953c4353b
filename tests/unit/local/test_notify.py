"""When the one-machine stack tells people of alerts, when it forwards, and when it sends files on."""

from pathlib import Path

import pytest

from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack

TARGETS = "notify: {targets: notify.yaml, secrets: secrets}\n"
FILE_TARGET = (
    "file_target: {url: 'ftps://f.example.org', account: hanoi, password_file: password, since: 2026-03-25}\n"
)
MINISTRY = "ministry: {url: 'https://m.example.org', account: province-01, password_file: password}\n"


def configured(folder: Path, text: str, *, demo: bool) -> Stack:
    data = DataDir(folder)
    data.create()
    (folder / "quantrac.yaml").write_text(text)
    (folder / "notify.yaml").write_text("targets: []\n")
    (folder / "secrets").write_text("# of the targets\nHOOK=whsec_abc=\n")
    (folder / "password").write_text("secret\n")
    for name in ("secrets", "password"):
        (folder / name).chmod(0o600)
    return Stack.from_configuration(data, demo=demo)


@pytest.mark.parametrize("demo", [False, True])
@pytest.mark.parametrize("text", ["", TARGETS])
def test_the_province_tells_people_where_somebody_said_whom(
    demo: bool, text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("QUANTRAC_NOTIFY_CONFIG", "elsewhere.yaml")  # the environment does not say so
    stack = configured(tmp_path, text, demo=demo)
    notifiers = [role for role in stack.roles() if role.name.endswith("aggregator.notify")]
    assert [role.name for role in notifiers] == (["province.aggregator.notify"] if text else [])
    for role in notifiers:
        assert role.argv[-2:] == ["services.aggregator", "notify"]
        assert role.env["QUANTRAC_CLICKHOUSE_DATABASE"] == ("hn" if demo else "quantrac")
        assert role.env["QUANTRAC_NOTIFY_CONFIG"] == str(tmp_path / "notify.yaml")
        assert role.env["HOOK"] == "whsec_abc="


def test_a_province_forwards_where_the_configuration_names_a_ministry(tmp_path: Path) -> None:
    assert "province.forwarder.forward" not in configured(tmp_path, "", demo=False).process_names()
    stack = configured(tmp_path, MINISTRY, demo=False)
    (forwarder,) = (role for role in stack.roles() if role.name == "province.forwarder.forward")
    assert forwarder.env["QUANTRAC_MINISTRY_URL"] == "https://m.example.org"
    assert forwarder.env["QUANTRAC_MINISTRY_PASSWORD_FILE"] == str(tmp_path / "password")


@pytest.mark.parametrize("demo", [False, True])
def test_files_are_sent_on_where_the_configuration_names_a_target(demo: bool, tmp_path: Path) -> None:
    assert "province.forwarder.files" not in configured(tmp_path, "", demo=demo).process_names()
    stack = configured(tmp_path, FILE_TARGET, demo=demo)
    (role,) = (role for role in stack.roles() if role.name.endswith("forwarder.files"))
    assert (role.name, role.argv[-2:]) == ("province.forwarder.files", ["services.forwarder", "files"])
    assert role.env["QUANTRAC_FILE_TARGET_URL"] == "ftps://f.example.org"
    assert role.env["QUANTRAC_FILE_TARGET_PASSWORD_FILE"] == str(tmp_path / "password")
    assert role.env["QUANTRAC_FILE_TARGET_SINCE"] == "2026-03-25"
    assert role.env["QUANTRAC_FILE_TARGET_DATA"] == str(tmp_path / "province" / "files")


@pytest.mark.parametrize("demo", [False, True])
def test_secrets_reach_only_the_role_that_needs_them(demo: bool, tmp_path: Path) -> None:
    stack = configured(tmp_path, TARGETS + FILE_TARGET + ("" if demo else MINISTRY), demo=demo)
    for role in stack.roles():
        secret = ("QUANTRAC_MINISTRY_", "QUANTRAC_NOTIFY_", "HOOK", "QUANTRAC_FILE_TARGET_PASSWORD")
        names = {name for name in role.env if name.startswith(secret)}
        expected = {
            "forward": "QUANTRAC_MINISTRY_",
            "reconcile": "QUANTRAC_MINISTRY_",
            "notify": ("QUANTRAC_NOTIFY_", "HOOK"),
            "files": "QUANTRAC_FILE_TARGET_PASSWORD",
        }
        prefixes = expected.get(role.name.rpartition(".")[2], ())
        assert bool(names) == bool(prefixes) and all(name.startswith(prefixes) for name in names), role.name


def test_the_demo_has_a_ministry_of_its_own(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"the demo has a ministry of its own; leave that out\.$"):
        configured(tmp_path, MINISTRY, demo=True)
