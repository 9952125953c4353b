"""The registry as commands are given it: a folder of YAML files, or a workbook."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from quantrac.cli.terminal import echo
from quantrac.domain.territory import ANYWHERE, VIETNAM, Territory, read_territory
from quantrac.errors import UserError

if TYPE_CHECKING:  # what reads or writes files imports how: the help needs none of it
    from schemas.messages.registry.accounts import Account
    from schemas.messages.registry.stations import Station
    from schemas.registry_files.judge import Reading

Command = TypeVar("Command", bound=Callable[..., Any])

SOURCE = click.Path(path_type=Path, exists=True)
"""Type of an argument that is a folder of YAML files or a workbook."""


class _TerritoryType(click.ParamType):
    name = "territory"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if not isinstance(value, str):
            return value
        try:
            return read_territory(value)
        except UserError as error:
            self.fail(str(error), param, ctx)


def territory_option(command: Command) -> Command:
    """Add ``--territory``, handed over as a ``Territory``, or ``None`` for anywhere."""
    return click.option(
        "--territory",
        type=_TerritoryType(),
        envvar="QUANTRAC_TERRITORY",
        default=VIETNAM,
        metavar="S,W,N,E",
        help="Where stations may lie: south, west, north and east, degrees; by default "
        f"{VIETNAM.south:g},{VIETNAM.west:g},{VIETNAM.north:g},{VIETNAM.east:g}, around Vietnam "
        f"(unverified); {ANYWHERE} for the whole earth. Or QUANTRAC_TERRITORY.",
    )(command)


def read_source(path: Path, territory: Territory | None) -> "Reading":
    """Read the registry's files at a path with all that is wrong in them; raises UserError for no files."""
    if path.is_dir():
        from schemas.registry_files.folder import read_directory

        return read_directory(path, territory)
    if not _is_workbook(path):
        raise UserError(f"{path}: neither a folder nor a workbook (*.xlsx)")
    from quantrac.io.workbooks import WorkbookError, read_workbook
    from schemas.registry_files.judge import judge
    from schemas.registry_files.sheets.read import read_sheets

    try:
        tables = read_workbook(path)
    except WorkbookError as error:
        raise UserError(f"{path}: {error}") from error
    return judge(*read_sheets(path.name, tables), territory)


def check_source(path: Path, territory: Territory | None) -> "Reading":
    """Read the registry's files at a path and print what is unusual in them.

    Raises UserError naming all mistakes.
    """
    reading = read_source(path, territory)
    for remark in reading.remarks:
        echo(f"unusual: {remark}")
    reading.check()
    if not reading.records:
        raise UserError(f"{path}: the files hold no record")
    return reading


def write_files(file: Path, records: "Sequence[Station | Account]") -> None:
    """Write records as a new workbook (``*.xlsx``), or else as a new YAML file.

    Raises UserError where the file is there already, or where a text cannot be written.
    """
    from quantrac.io.private_files import create_private
    from quantrac.io.workbooks import WorkbookError, write_workbook
    from schemas.registry_files.sheets.write import write_sheets
    from schemas.registry_files.write_yaml import write_yaml

    try:
        if _is_workbook(file):
            write_workbook(file, write_sheets(records))
        else:
            with create_private(file) as stream:
                stream.write(write_yaml(records).encode())
    except WorkbookError as error:
        raise UserError(f"{file}: {error}") from error
    except FileExistsError:
        raise UserError(f"{file} is there already; choose another name, or move it") from None


def _is_workbook(file: Path) -> bool:
    return file.suffix.lower() == ".xlsx"
