"""Messages of raw-file as the intake makes them, for the tests of the roles that read them."""

import hashlib

from quantrac.io.records import Record
from quantrac.testing.builders import NOON, account, file_name, registry, station, station_file
from services.receiver.intake.handler import TRUNCATED, IntakeHandler, Upload

CONTENT = station_file([("PM2.5", "12.40", "µg/m³", "00"), ("NO2", "12,4x", "µg/m³", "00")])
"""Line 1 is a reading, line 2 a reject."""
FILE_ID = hashlib.sha256(CONTENT).hexdigest()


def raw_file(name: str, *, stations: tuple[str, ...] = ("HN_BKHN_KHIKXQ",)) -> Record:
    """Return the message of :data:`CONTENT` sent under ``name``, received at noon."""
    sender = account(stations=stations)
    stations_of_registry = [station(), station("HN_GP", valid_to=NOON)]
    upload = Upload(sender, "/2026/03/25", name, CONTENT, "ftp")
    handler = IntakeHandler(registry(stations=stations_of_registry, accounts=[sender]), "hn.raw-file")
    return handler.record(upload, FILE_ID, NOON)


def truncated_file(content: bytes) -> Record:
    """Return the message of a file whose transfer was cut after ``content``."""
    upload = Upload(account(), "/", file_name(), content, "ftp", (TRUNCATED,))
    return IntakeHandler(registry(), "raw-file").record(upload, FILE_ID, NOON)
