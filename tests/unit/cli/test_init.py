"""``quantrac init``: a data folder whose configuration starts as it is."""

import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli import main
from quantrac.local.configuration import Configuration
from support.tls import Pair


def init(folder: Path, *arguments: str, answers: str = "") -> Result:
    return CliRunner().invoke(main, ["init", str(folder), *arguments], input=answers)


def values(folder: Path) -> dict[str, object]:
    configuration = Configuration.read(folder)
    assert configuration.mistakes == ()
    return dict(configuration.values)


def test_without_a_terminal_the_defaults_hold_and_listen_on_this_machine_only(tmp_path: Path) -> None:
    result = init(tmp_path / "data")
    assert result.exit_code == 0, result.output
    assert values(tmp_path / "data") == {
        "tier": "province",
        "ftp.listen": "127.0.0.1",
        "ftp.port": 2121,
        "sftp.listen": "127.0.0.1",
        "sftp.port": 2222,
        "http.listen": "127.0.0.1",
        "http.port": 8021,
        "api.listen": "127.0.0.1",
        "api.port": 8080,
    }
    assert (tmp_path / "data").stat().st_mode & 0o777 == 0o700
    assert (tmp_path / "data" / "quantrac.yaml").stat().st_mode & 0o777 == 0o600


def test_options_say_what_would_be_asked(tmp_path: Path) -> None:
    (tmp_path / "notify.yaml").touch()
    result = init(
        tmp_path / "data",
        *("--listen", "0.0.0.0", "--announce", "files.example.org", "--ftp-port", "21"),
        *("--ministry", "https://m.example.org", "--account", "province-01"),
        *("--notify", str(tmp_path / "notify.yaml"), "--raw-file-days", "90"),
    )
    assert result.exit_code == 0, result.output
    assert (
        values(tmp_path / "data").items()
        >= {
            "ftp.listen": "0.0.0.0",
            "ftp.port": 21,
            "ftp.announce": "files.example.org",
            "ftp.passive_ports": "60000-60499",
            "http.listen": "127.0.0.1",
            "ministry.url": "https://m.example.org",
            "ministry.password_file": "ministry-password",
            "notify.targets": str(tmp_path / "notify.yaml"),
            "notify.secrets": "notify-secrets",
            "retention.raw-file": 90,
        }.items()
    )
    assert "write the ministry's password into" in result.output
    for name in ("ministry-password", "notify-secrets"):
        assert (tmp_path / "data" / name).stat().st_mode & 0o777 == 0o600


def test_on_a_terminal_it_asks_and_the_password_goes_into_a_file_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers = [
        "",
        "0.0.0.0",
        "files.example.org",
        "",
        "",
        "21",
        "",
        "",
        "",
        "https://m.example.org",
        "province-01",
    ]
    answers += ["", "", "hunter2"]
    monkeypatch.setattr("quantrac.cli.init._is_terminal", lambda: True)
    result = init(tmp_path / "data", answers="\n".join(answers) + "\n")
    assert result.exit_code == 0, result.output
    assert values(tmp_path / "data").items() >= {"ftp.port": 21, "ministry.account": "province-01"}.items()
    assert "retention.raw-file" in values(tmp_path / "data")
    assert (tmp_path / "data" / "ministry-password").read_text() == "hunter2\n"
    assert "hunter2" not in (tmp_path / "data" / "quantrac.yaml").read_text() + result.output


def test_a_ministry_takes_deliveries_by_https_and_has_no_doors_of_stations(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.key.chmod(0o600)
    result = init(
        tmp_path / "data",
        *("--tier", "ministry", "--listen", "0.0.0.0", "--announce", "https://m.example.org"),
        *("--certificate", str(pair.certificate), "--key", str(pair.key), "--http-port", "8443"),
    )
    assert result.exit_code == 0, result.output
    assert "clear" not in result.output
    assert values(tmp_path / "data") == {
        "tier": "ministry",
        "http.listen": "0.0.0.0",
        "http.port": 8443,
        "http.announce": "https://m.example.org",
        "http.certificate": str(pair.certificate),
        "http.key": str(pair.key),
        "api.listen": "127.0.0.1",
        "api.port": 8080,
    }
    checked = CliRunner().invoke(main, ["up", "--check", "--data", str(tmp_path / "data")])
    assert checked.exit_code == 0, checked.output
    assert "ministry: receiver.deliveries, aggregator.sink" in checked.output


def test_a_ministry_without_a_certificate_is_told_to_put_a_proxy_before_it(tmp_path: Path) -> None:
    result = init(tmp_path / "data", "--tier", "ministry", "--listen", "0.0.0.0")
    assert "without a certificate passwords and readings travel in the clear" in result.output


@pytest.mark.parametrize("option", ["--ftp-port=21", "--raw-file-days=9", "--passive-ports=60000-60001"])
def test_an_option_that_means_nothing_at_a_ministry_is_refused(tmp_path: Path, option: str) -> None:
    refused = init(tmp_path / "data", "--tier", "ministry", option)
    assert refused.exit_code == 1
    assert f"{option.partition('=')[0]} is for a province, and this is a ministry" in refused.output
    assert not (tmp_path / "data").exists()


def test_on_a_terminal_a_ministry_is_asked_for_less(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("quantrac.cli.init._is_terminal", lambda: True)
    result = init(tmp_path / "data", answers="ministry\n" + "\n" * 4)
    assert result.exit_code == 0, result.output
    assert values(tmp_path / "data")["tier"] == "ministry"
    assert "FTP" not in result.output


def test_a_file_that_is_there_is_not_overwritten(tmp_path: Path) -> None:
    init(tmp_path)
    (tmp_path / "quantrac.yaml").write_text("# mine\n")
    refused = init(tmp_path)
    assert refused.exit_code == 1
    assert "is there already" in refused.output
    assert (tmp_path / "quantrac.yaml").read_text() == "# mine\n"


def test_a_folder_that_ran_without_a_file_keeps_its_ports(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "ports.json").write_text('{"province.ftp": 34135, "province.api": 8081}')
    init(tmp_path)
    assert values(tmp_path).items() >= {"ftp.port": 34135, "api.port": 8081, "http.port": 8021}.items()


@pytest.mark.parametrize("option", ["--ministry=https://m.example.org", "--account=x", "--key=k.pem"])
def test_half_a_pair_of_options_is_refused_and_leaves_nothing(tmp_path: Path, option: str) -> None:
    refused = init(tmp_path / "data", option)
    assert refused.exit_code == 1
    assert "needs --" in refused.output
    assert not (tmp_path / "data").exists()


def test_what_it_wrote_is_checked_by_the_services(tmp_path: Path) -> None:
    init(tmp_path / "data", "--listen", "0.0.0.0")
    checked = CliRunner().invoke(main, ["up", "--check", "--data", str(tmp_path / "data")])
    assert checked.exit_code == 0, checked.output
    assert "no mistake" in checked.output
    assert "receiver.intake" in checked.output
    assert sys.executable not in checked.output


def test_a_folder_that_is_not_there_is_not_made_by_a_check(tmp_path: Path) -> None:
    checked = CliRunner().invoke(main, ["up", "--check", "--data", str(tmp_path / "none")])
    assert checked.exit_code == 1
    assert "`quantrac init` makes one" in checked.output
    assert not (tmp_path / "none").exists()
