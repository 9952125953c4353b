"""Runs the fleet: ``python -m quantrac.local.simulator --ftp HOST:PORT --passwords FILE --backlog DIR``."""

import argparse
import json
import signal
import sys
import threading
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from types import FrameType

from quantrac.domain.registry.stations import Station
from quantrac.io.logs import configure
from quantrac.local import demo
from quantrac.local.simulator.backlog import Backlog
from quantrac.local.simulator.data_logger import DataLogger
from quantrac.local.simulator.fleet import Fleet, Schedule
from quantrac.local.simulator.ftp_sender import FtpSender, parse_address
from quantrac.local.simulator.past import Journal, PastSender


def main(argv: Sequence[str] | None = None) -> None:
    """Run until SIGTERM or SIGINT."""
    options = _parser().parse_args(argv)
    configure("INFO", "simulator")
    stop = threading.Event()

    def on_signal(_: int, __: FrameType | None) -> None:
        stop.set()

    signal.signal(signal.SIGTERM, on_signal)
    signal.signal(signal.SIGINT, on_signal)
    try:
        fleet, past = _build(options, stop)
    except (ValueError, OSError) as error:
        sys.exit(f"simulator: {error}")
    if past is not None:
        # A daemon: a server that does not answer must not hold up the end.
        threading.Thread(target=past.run, name="past", daemon=True).start()
    fleet.run()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m quantrac.local.simulator", description=__doc__)
    parser.add_argument("--ftp", required=True, metavar="HOST:PORT", help="server to send to")
    parser.add_argument("--registry", type=Path, metavar="DIR", help="stations (default: the demo's)")
    parser.add_argument(
        "--passwords", required=True, type=Path, metavar="FILE", help="JSON object, account to password"
    )
    parser.add_argument("--backlog", required=True, type=Path, metavar="DIR", help="files not sent yet")
    parser.add_argument("--history", type=float, default=60, metavar="MINUTES", help="past to send first")
    parser.add_argument(
        "--every", type=float, metavar="SECONDS", help="time between files (default: each station's interval)"
    )
    parser.add_argument(
        "--past", type=float, default=0, metavar="DAYS", help="past of --past-of to send behind the present"
    )
    parser.add_argument("--past-of", action="append", default=[], metavar="CODE", help="station with a past")
    parser.add_argument("--seed", type=int, default=1, help="another seed gives other courses and faults")
    return parser


def _build(options: argparse.Namespace, stop: threading.Event) -> tuple[Fleet, PastSender | None]:
    if options.every is not None and options.every < 1:
        raise ValueError("--every must be at least 1 second: a file's name holds whole seconds")
    host, port = parse_address(options.ftp)
    passwords: Mapping[str, str] = json.loads(options.passwords.read_text(encoding="utf-8"))
    records = demo.read_stations(options.registry) if options.registry else demo.demo_stations()
    stations = [record.to_domain() for record in records]
    credentials = {station.code: _credentials(station, passwords) for station in stations}

    def connect(station: Station) -> FtpSender:
        return FtpSender(host, port, *credentials[station.code])

    loggers = [
        DataLogger(
            station, options.seed, Backlog(options.backlog / station.code), partial(connect, station), stop
        )
        for station in stations
    ]
    schedule = Schedule(every_s=options.every, history_minutes=options.history)
    fleet = Fleet(loggers, schedule, stop, lambda: datetime.now(UTC))
    if not options.past:
        return fleet, None
    with_past = [station for station in stations if station.code in options.past_of]
    until = datetime.now(UTC) - timedelta(minutes=options.history)
    journal = Journal(options.backlog / "past.json", until, options.past)
    return fleet, PastSender(with_past, journal, connect, seed=options.seed, stop=stop)


def _credentials(station: Station, passwords: Mapping[str, str]) -> tuple[str, str]:
    account = demo.account_name(station.code)
    if account not in passwords:
        raise ValueError(f"no password for account {account!r}")
    return account, passwords[account]


if __name__ == "__main__":
    main()
