"""A made-up country: stations of 15 parameters, and one file a station every five minutes."""

import hashlib
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from quantrac.domain.ids import traceparent
from quantrac.io.records import Record
from schemas.messages.raw_file import RawFileHeaders
from schemas.messages.registry.stations import Station, StationParameter

START = datetime(2026, 3, 25, 1, 0, tzinfo=UTC)
INTERVAL = timedelta(minutes=5)
ZONE = ZoneInfo("Asia/Ho_Chi_Minh")

# code, unit as registered, unit as sent, usual value, spread from file to file
PARAMETERS = (
    ("PM2.5", "µg/m3", "ug/m3", 38.0, 3.0),
    ("PM10", "µg/m3", "ug/m3", 61.0, 5.0),
    ("NO", "µg/m3", "ug/m3", 9.0, 1.0),
    ("NO2", "µg/m3", "ug/m3", 31.0, 2.0),
    ("NOx", "µg/m3", "ug/m3", 42.0, 3.0),
    ("SO2", "µg/m3", "ug/m3", 14.0, 1.0),
    ("CO", "µg/m3", "ug/m3", 870.0, 60.0),
    ("O3", "µg/m3", "ug/m3", 55.0, 4.0),
    ("Benzene", "ppb", "ppb", 1.2, 0.2),
    ("Temp", "°C", "oC", 24.0, 0.2),
    ("Humidity", "%", "%", 78.0, 1.0),
    ("Pressure", "hPa", "hPa", 1009.0, 0.3),
    ("Radiation", "W/m2", "W/m2", 320.0, 20.0),
    ("WindSpeed", "m/s", "m/s", 2.4, 0.4),
    ("WindDir", "°", "degree", 140.0, 9.0),
)
LINES = len(PARAMETERS)


def stations(count: int) -> list[Station]:
    """Return the registry's records."""
    parameters = tuple(
        StationParameter(code=code, unit=unit, range_low=-50, range_high=50_000)
        for code, unit, *_ in PARAMETERS
    )
    return [
        Station(
            code=f"QT_{number:04d}_KHIKXQ",
            name=f"Trạm {number}",
            type="ambient-air",
            province="01",
            latitude=21.0,
            longitude=105.8,
            parameters=parameters,
        )
        for number in range(count)
    ]


def raw_files(topic: str, count: int, registered: list[Station]) -> Iterator[Record]:
    """Yield files as the intake would write them: every station's, interval by interval."""
    random = np.random.default_rng(1)
    usual = np.array([value for *_, value, _ in PARAMETERS])
    spread = np.array([spread for *_, spread in PARAMETERS])
    for number in range(count):
        interval, place = divmod(number, len(registered))
        values = np.abs(usual + spread * random.standard_normal(LINES)).tolist()
        received_at = START + interval * INTERVAL + timedelta(milliseconds=number)
        yield message(topic, registered[place].code, START + interval * INTERVAL, received_at, values)


def message(
    topic: str, station: str, measured_at: datetime, received_at: datetime, values: list[float]
) -> Record:
    """Return one file as the intake would write it; one value a parameter, in :data:`PARAMETERS`' order."""
    time = f"{measured_at.astimezone(ZONE):%Y%m%d%H%M%S}"
    content = "".join(
        f"{code}\t{value:.2f}\t{unit}\t{time}\t00\r\n"
        for (code, _, unit, *_), value in zip(PARAMETERS, values, strict=True)
    ).encode()
    file_id = hashlib.sha256(content).hexdigest()
    headers = RawFileHeaders(
        file_id=file_id,
        name=f"{station}_{time}.txt",
        path="",
        account=station.lower(),
        transport="ftp",
        received_at=received_at,
        traceparent=traceparent(file_id),
        station=station,
    )
    return Record(topic, station.encode(), content, headers.to_headers())
