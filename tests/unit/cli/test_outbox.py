"""`quantrac outbox`: what stands in the outbox of a folder, and sending it again."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from quantrac.cli.outbox import STATES, outbox
from quantrac.io.outbox import Outbox
from quantrac.io.outbox_files import Filter, OutboxFile, State

NOON = datetime(2026, 3, 25, 5, tzinfo=UTC)


@pytest.fixture
def files(tmp_path: Path) -> Outbox:
    """The outbox of a stack: three files of A, sent, refused and waiting, and an empty one of B."""
    opened = Outbox(tmp_path / "province" / "files" / "outbox.sqlite", clock=lambda: NOON)
    for minutes in (0, 5, 10):
        opened.put(file("A", minutes))
        if minutes < 10:
            entry = opened.next_files()[0]
            state, reason = (State.REFUSED, "553 no \x1b[2J") if minutes else (State.SENT, "")
            opened.mark(entry, state, reason, due_at=NOON + timedelta(hours=1), is_aside=bool(minutes))
    opened.put(file("B", 0, b""))
    return opened


def file(group: str, minutes: float, content: bytes = b"x") -> OutboxFile:
    time = NOON + timedelta(minutes=minutes)
    return OutboxFile(group, f"{group}_{minutes}.txt", f"{group}/2026/03/25", time, content)


def run(folder: Path, *arguments: str) -> Result:
    return CliRunner().invoke(outbox, [arguments[0], "--data", str(folder), *arguments[1:]])


def test_it_shows_the_states_and_what_is_neither_sent_nor_empty(files: Outbox, tmp_path: Path) -> None:
    shown = run(tmp_path, "list")
    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "waiting 1  sent 1  could-not-connect 0  transfer-error 0  refused 1  empty 1",
        "A_10.txt  waiting, 2026-03-25T12:00:00+07:00",
        "A_5.txt  refused at try 1, 2026-03-25T12:00:00+07:00",
        "    553 no \\x1b[2J",
    ]
    files.close()


def test_it_shows_one_state_one_station_and_a_span(files: Outbox, tmp_path: Path) -> None:
    shown = run(tmp_path, "list", "--state", "sent", "--station", "A", "--to", "2026-03-25T12:05+07:00")
    assert shown.stdout.splitlines()[1:] == ["A_0.txt  sent at try 1, 2026-03-25T12:00:00+07:00"]
    assert "1 more file; --limit shows them" in run(tmp_path, "list", "--limit", "1").stdout
    files.close()


def test_programs_get_one_object(files: Outbox, tmp_path: Path) -> None:
    shown = json.loads(run(tmp_path, "list", "--json", "--state", "refused").stdout)
    assert shown["counts"]["refused"] == 1
    (entry,) = shown["files"]
    assert (entry["station"], entry["name"], entry["tries"]) == ("A", "A_5.txt", 1)
    assert (entry["state"], entry["measured_at"]) == ("refused", "2026-03-25T05:05:00Z")
    files.close()


def test_files_are_sent_again_by_one_command(files: Outbox, tmp_path: Path) -> None:
    assert run(tmp_path, "resend", "--state", "refused").stdout == "1 file will be sent again\n"
    assert files.counts(Filter())[State.WAITING] == 2
    assert run(tmp_path, "resend", "--all").stdout == "3 files will be sent again\n"
    assert run(tmp_path, "resend", "--from", "2026-03-26").stdout == "0 files will be sent again\n"
    files.close()


@pytest.mark.parametrize("arguments", [(), ("--all", "--station", "A")])
def test_sending_again_asks_which_files(arguments: tuple[str, ...], tmp_path: Path) -> None:
    asked = run(tmp_path, "resend", *arguments)
    assert asked.exit_code == 2
    assert "Say which files: --station, --from, --to, --state; or --all." in asked.stderr


def test_where_there_is_no_outbox_none_is_made(tmp_path: Path) -> None:
    refused = run(tmp_path, "list", "--folder", str(tmp_path / "elsewhere"))
    assert refused.exit_code == 1
    assert refused.stderr == (
        f"quantrac: there is no outbox in {tmp_path / 'elsewhere'}; the role forwarder.files makes it at its"
        " first start\n"
    )
    assert not (tmp_path / "elsewhere").exists()


def test_the_states_it_names_are_those_of_the_outbox() -> None:
    assert set(STATES) == {state.value for state in State}
