"""``quantrac sql``: ask the database of the stack as analysts do."""

import codecs
import sys
from collections.abc import Iterator
from typing import TYPE_CHECKING

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.target import tier_option
from quantrac.cli.terminal import echo
from quantrac.errors import UserError
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack

if TYPE_CHECKING:
    from quantrac.io.settings import ClickHouseSettings

# The server ends a query after 60 s, and one may wait 30 s before it begins.
_SECONDS, _CONNECT_SECONDS = 120, 5


@click.command()
@click.argument("query", required=False)
@click.option(
    "--format",
    "output",
    default="PrettyCompactMonoBlock",
    show_default=True,
    metavar="NAME",
    help="How the answer is written: CSVWithNames, JSONEachRow, Parquet and others of ClickHouse.",
)
@click.option("--login", is_flag=True, help="Show address, database, user and password for another client.")
@tier_option
@data_option
@one_sentence
def sql(query: str | None, output: str, login: bool, tier: str | None, data: DataDir) -> None:
    """Ask the database one QUERY of SQL; without QUERY it is read from standard input.

    The login can only read, and only the database of the tier. docs/analyst.md has the views and what to ask
    them:

    \b
      quantrac sql 'SELECT * FROM latest_current'
      quantrac sql --format CSVWithNames < query.sql > answer.csv
    """
    analyst = Stack.read(data).analyst(tier)
    if login:
        for name, value in analyst.model_dump(
            include={"host", "port", "database", "user", "password"}
        ).items():
            echo(f"{name:8}  {value}")
        return
    if query is None:
        query = click.get_text_stream("stdin", encoding="utf-8").read()
    if not query.strip():
        raise UserError("there is no query; give one as an argument or on standard input")
    parts = _ask(analyst, query, output)
    if sys.stdout.isatty():
        for text in codecs.iterdecode(parts, "utf-8", "replace"):
            echo(text, nl=False)
    else:
        stream = click.get_binary_stream("stdout")
        stream.writelines(parts)
        stream.flush()


def _ask(analyst: "ClickHouseSettings", query: str, output: str) -> Iterator[bytes]:
    """Yield the answer in parts; raises ``UserError`` where the server refuses the query, or is away."""
    import httpx

    timeout = httpx.Timeout(_SECONDS, connect=_CONNECT_SECONDS)
    url = f"http://{analyst.host}:{analyst.port}/"
    settings = {"default_format": output, "output_format_pretty_color": "0"}
    login = (analyst.user, analyst.password)
    try:
        with httpx.stream(
            "POST", url, params=settings, content=query.encode(), auth=login, timeout=timeout, trust_env=False
        ) as answer:
            if answer.status_code != httpx.codes.OK:
                raise UserError(f"ClickHouse: {answer.read().decode('utf-8', 'replace').strip()}")
            yield from answer.iter_bytes()
    except httpx.ConnectError as error:
        raise UserError(
            f"nothing answers at {analyst.host}:{analyst.port}; `quantrac up` starts it"
        ) from error
    except httpx.HTTPError as error:
        raise UserError(f"the answer broke off: {error}") from error
