"""A fleet of simulated station loggers: five-column files over real FTP, with the faults of real stations.

- ``noise`` and ``moment``: randomness that is a function of seed, station, parameter and time;
- ``weather``, ``air``, ``water``, ``industry``: the daily courses; ``courses`` finds one for a parameter;
- ``faults``: what goes wrong, and when; ``files`` puts name and lines together;
- ``backlog``, ``ftp_sender``, ``data_logger``, ``fleet``: files on disk until the server has answered 226;
- ``past``: days before the present, sent slowly behind it;
- ``csv_files`` and ``replay``: real measurements from a CSV on the same path.

Nothing is remembered but the backlog, and how far the past was sent: the same seed, station and time give
the same bytes again.
"""

from quantrac.local.simulator.csv_files import Column, csv_files
from quantrac.local.simulator.files import day_folder, station_file
from quantrac.local.simulator.ftp_sender import FtpSender, NotAcknowledged, parse_address

__all__ = [
    "Column",
    "FtpSender",
    "NotAcknowledged",
    "csv_files",
    "day_folder",
    "parse_address",
    "station_file",
]
