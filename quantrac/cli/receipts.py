"""``quantrac receipts``: what the ministry has signed, and the keys it signs with."""

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.shown_times import show_time
from quantrac.cli.target import Target, target_options
from quantrac.cli.terminal import count, echo
from quantrac.cli.time_options import TIME
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir

if TYPE_CHECKING:
    from quantrac.io.jws import KeySet

_FILE = click.Path(path_type=Path, exists=True, dir_okay=False)
_MOST = 1_000


@click.group()
def receipts() -> None:
    """The ministry's signed receipts: list, show and verify them."""


@receipts.command("list")
@click.option("--from", "start", type=TIME, help="Confirmed from then on; by default the last 24 hours.")
@click.option("--to", "end", type=TIME, help="Confirmed before then.")
@click.option("--station", metavar="CODE", help="Only deliveries with a set of this station.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@one_sentence
@target_options
def list_(
    *, start: datetime | None, end: datetime | None, station: str | None, as_json: bool, target: Target
) -> None:
    """List deliveries with what the ministry has said of them, the newest first.

    \b
      quantrac receipts list --from 2026-03-01 --to 2026-04-01 --station HN_BKHN_KHIKXQ
    """
    from quantrac.cli.receipt_queries import find_deliveries
    from quantrac.io.clickhouse import ClickHouse

    start = start or datetime.now(UTC) - timedelta(days=1)
    rows = find_deliveries(ClickHouse(target.clickhouse), start, end, station, limit=_MOST + 1)
    if as_json:
        _print_json(rows[:_MOST])
    else:
        for row in rows[:_MOST]:
            echo(_describe(row))
    if len(rows) > _MOST:
        echo(f"Only the newest {_MOST:,} are shown; --to asks for those before.", err=True)


@receipts.command()
@click.argument("delivery_id", metavar="DELIVERY_ID")
@click.option("--keys", type=_FILE, envvar="QUANTRAC_MINISTRY_KEYS", help="The ministry's JWK Set.")
@one_sentence
@target_options
def show(delivery_id: str, keys: Path | None, target: Target) -> None:
    """Print a receipt as JSON, with its files and the ministry's keys: all that `verify` needs.

    The first digits of DELIVERY_ID are enough. Unless --keys names a file, the keys are those that the
    forwarder keeps, or at the ministry its own.

    \b
      quantrac receipts show 782cab04 > receipt.json
    """
    from quantrac.cli.receipt_queries import find_receipt
    from quantrac.domain.delivery_contents import read_contents
    from quantrac.io.clickhouse import ClickHouse

    receipt, contents = find_receipt(ClickHouse(target.clickhouse), delivery_id)
    key_set = _read_keys(keys) if keys else _own_keys(target)
    files = [delivered._asdict() for delivered in read_contents(contents)]
    _print_json({"receipt": receipt, "files": files, "keys": key_set.to_dict()})


@receipts.command()
@click.argument("file", type=click.File("rb"))
@click.option("--keys", type=_FILE, help="The ministry's JWK Set, had from the ministry itself.")
@one_sentence
def verify(file: Any, keys: Path | None) -> None:
    """Check a receipt (`show`, or the bare JWS) in FILE, or - for standard input, with nothing running.

    Without --keys the keys in FILE count, which whoever made FILE may have made as well: compare the key
    that is printed with the ministry's.

    Exit status: 0 the receipt is good, 1 it is not; the sentence says why.
    """
    from quantrac.cli.receipt_check import verify_receipt

    receipt = verify_receipt(file.read(), _read_keys(keys) if keys else None)
    payload = receipt.payload
    echo(
        f"Good: {payload.ministry} has signed that it received delivery {payload.delivery_id} of account"
        f" {payload.account} at {show_time(payload.received_at)}, with {count(payload.accepted, 'set')}"
        f" ({len(payload.waiting):,} of them waiting) and {len(payload.rejected):,} rejected."
    )
    if receipt.readings is not None:
        echo(f"The files in the document are those sets; they hold {count(receipt.readings, 'reading')}.")
    source = "of --keys" if keys else "of the document itself: compare it with what the ministry publishes"
    echo(f"Signed with key {receipt.key_id}, {source}.")


@receipts.group("keys")
def keys_() -> None:
    """The keys that the ministry signs its receipts with."""


_keys_option = click.option(
    "--keys",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    envvar="QUANTRAC_RECEIPT_KEYS",
    show_envvar=True,
    help="Folder of the keys; by default that of the ministry in --data.",
)


@keys_.command("show")
@_keys_option
@data_option
@one_sentence
def show_keys(folder: Path | None, data: DataDir) -> None:
    """Print the public keys as a JWK Set, as /.well-known/jwks.json has them."""
    from quantrac.io.signing_keys import SigningKeys

    folder = folder or _key_folder(data.root / "ministry")
    try:
        echo(SigningKeys(folder).public.to_json())
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error


@keys_.command()
@_keys_option
@data_option
@one_sentence
def rotate(folder: Path | None, data: DataDir) -> None:
    """Make a new key, which signs from the next receipt on, and destroy the private part of those before.

    Their public parts stay published, so that what they have signed can be checked for ever. The role
    deliveries takes the new key by itself, and provinces fetch it. A province that has pinned the keys waits
    until it has the new file.
    """
    from quantrac.io.signing_keys import rotate_keys

    folder = folder or _key_folder(data.root / "ministry")
    if not folder.is_dir():
        raise UserError(f"there is no folder {folder}; --keys names that of the ministry's keys")
    try:
        key = rotate_keys(folder)
    except (ValueError, OSError) as error:
        raise UserError(str(error)) from error
    echo(f"key {key.id} in {folder} signs from now on")


def _describe(row: dict[str, Any]) -> str:
    parts = [count(row["sets"], "set"), count(row["readings"], "reading")]
    parts += [f"{row[name]:,} {name}" for name in ("waiting", "rejected") if row[name]]
    parts += [f"{row['tries']:,} tries"] if row["tries"] > 1 else []
    return (
        f"{show_time(row['confirmed_at'])}  {row['delivery_id'][:16]}  {row['account']}  {', '.join(parts)}"
    )


def _read_keys(file: Path) -> "KeySet":
    from quantrac.io.jws import KeySet

    try:
        return KeySet.from_json(file.read_bytes())
    except ValueError as error:
        raise UserError(f"{file}: {error}") from error


def _own_keys(target: Target) -> "KeySet":
    from quantrac.io.signing_keys import SigningKeys

    if target.folder is None:
        raise UserError("--keys must name the file of the ministry's keys, where no data folder says where")
    file = target.folder / "forwarder" / "ministry-keys.json"
    if file.exists():
        return _read_keys(file)
    try:
        return SigningKeys(_key_folder(target.folder)).public
    except (ValueError, OSError):
        raise UserError(f"there are no keys in {target.folder}; --keys names a file of them") from None


def _key_folder(tier: Path) -> Path:
    """Return the folder of the keys below that of the ministry's roles."""
    return tier / "spool" / "receipt-keys"


def _print_json(content: Any) -> None:
    import json

    from quantrac.domain.times import to_iso

    echo(json.dumps(content, indent=2, ensure_ascii=False, default=to_iso))
