"""The migrations for a cluster: each statement of the same files, rewritten. Pure.

A partitioned table with ``station`` in its sorting key is *sharded*: ``<name>_local`` holds a shard's
stations, replicated within the shard, and a Distributed table of the public name stands over it. Every other
table is *everywhere*: whole on each server, replicated through all shards. Views, dictionaries, roles and
rights are made on each server and name the public tables. A materialized view copies what a shard stores from
one sharded table to another, on the replica that was written to; the rows need no other way.

Paths in the keeper are written out: with ClickHouse's default, a UUID a statement, a statement run again
would give a server that missed it the first time a replica of its own, which shares nothing with the others.
Only what is made to be exchanged has a UUID: its name's path may still be taken by what it was exchanged for.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from itertools import pairwise
from typing import NamedTuple

from quantrac.errors import UserError

# Whoever sends again after hours is still recognised; the server's default is one hour.
_REMEMBERED_SECONDS = 7 * 24 * 3600

_CLUSTER_NAME = re.compile(r"[A-Za-z0-9_.{}-]+")
# What is opened and never closed goes to the end, so that no text is read twice.
_TOKEN = re.compile(
    r"'(?:[^'\\]|\\.|'')*+'?|`[^`]*+`?|\"[^\"]*+\"?|--[^\n]*|/\*(?:[^*]|\*(?!/))*+(?:\*/)?|\w+|\S", re.DOTALL
)

_CREATE_TABLE = re.compile(
    r"CREATE (?P<anew>OR REPLACE )?TABLE (?(anew)|IF NOT EXISTS )(?P<name>\w+)"
    r"(?: AS (?P<like>\w+))?\s*(?P<columns>\(.*\)\s*)?",
    re.DOTALL,
)
_ENGINE = re.compile(r"ENGINE\s*=\s*(?P<kind>\w*MergeTree)(?:\((?P<arguments>[^()]*)\))?\s*\Z")
_SETTINGS = re.compile(r"SETTINGS\s+non_replicated_deduplication_window = (?P<window>\d+)\s*")
_VIEW = re.compile(r"(CREATE OR REPLACE VIEW|CREATE VIEW IF NOT EXISTS) (?P<name>\w+)")
_MATERIALIZED = re.compile(r"CREATE MATERIALIZED VIEW IF NOT EXISTS (\w+) TO (\w+)\b")
_MODIFY_QUERY = re.compile(r"ALTER TABLE (\w+) MODIFY QUERY\s")
_DICTIONARY = re.compile(r"(CREATE OR REPLACE DICTIONARY|CREATE DICTIONARY IF NOT EXISTS) (?P<name>\w+)")
_ACCESS = re.compile(r"CREATE (ROLE|SETTINGS PROFILE|QUOTA) IF NOT EXISTS (?P<name>\w+)")
_RIGHTS = re.compile(r"GRANT|REVOKE")
_ALTER = re.compile(r"ALTER TABLE (?P<name>\w+)\s")
_EXCHANGE = re.compile(r"EXCHANGE TABLES (?P<name>\w+) AND (?P<other>\w+)\Z")
_DROP = re.compile(r"DROP TABLE (?:IF EXISTS )?(?P<name>\w+)\Z")
_INSERT = re.compile(r"INSERT INTO (?P<name>\w+)\s+SELECT\b")

_ALTERS_BOTH = ("ADD COLUMN IF NOT EXISTS", "MODIFY COLUMN", "COMMENT COLUMN", "MODIFY COMMENT")
_ALTERS_STORED = (
    *("MODIFY ORDER BY", "MODIFY SETTING", "MODIFY TTL", "ADD INDEX IF NOT EXISTS", "MATERIALIZE INDEX"),
    *("ADD PROJECTION IF NOT EXISTS", "MATERIALIZE PROJECTION", "MATERIALIZE COLUMN", "UPDATE", "DELETE"),
)
_JOIN_KINDS = {"INNER", "LEFT", "RIGHT", "FULL", "CROSS", "OUTER", "ANY", "ALL", "ASOF", "SEMI", "ANTI"}


class _Word(NamedTuple):
    text: str
    """In capitals, as written or as it stands between quotes."""
    start: int
    depth: int


class Cluster:
    """Renders statements in the order of the migrations; knows the tables it has rendered."""

    def __init__(self, name: str, database: str) -> None:
        """``name`` as in the servers' remote_servers, or a macro; raises ``UserError`` when it is none."""
        if not _CLUSTER_NAME.fullmatch(name):
            raise UserError(f"{name!r} is no name of a cluster")
        self._name, self._database = name, database
        self._on = f"ON CLUSTER '{name}'"
        self._everywhere: set[str] = set()
        self._copying: set[str] = set()
        """Materialized views, which every server has for its own rows."""
        self._comments: dict[str, str] = {}
        """Of the sharded tables."""
        # What begins so is rendered from the groups of the expression and the text after them.
        self._renderings: tuple[tuple[re.Pattern[str], Callable[..., list[str]]], ...] = (
            (_EXCHANGE, self._exchange),
            (_DROP, self._drop),
            (_MODIFY_QUERY, self._modify_query),
            (_ALTER, self._alter),
            (_MATERIALIZED, self._copy_on_insert),
        )

    def create_database(self) -> str:
        """Return the statement that makes the database."""
        return f"CREATE DATABASE IF NOT EXISTS `{self._database}` {self._on}"

    def statements(self, file: str, statement: str) -> list[str]:
        """Return what to run on one server instead of a statement of a migration.

        Raises ``ValueError`` naming the file for a statement that is not understood.
        """
        try:
            return self._render(statement.strip())
        except ValueError as error:
            head = " ".join(statement.split()[:8])
            raise ValueError(f"{file}: {head} …: cannot be rendered for a cluster: {error}") from None

    def _render(self, sql: str) -> list[str]:
        if re.match(r"CREATE (OR REPLACE )?TABLE", sql):
            return self._table(sql)
        for pattern, render in self._renderings:
            if match := pattern.match(sql):
                return render(*match.groups(), sql[match.end() :])
        if match := _INSERT.match(sql):
            self._is_sharded(match["name"])  # raises for a table that is not known
            return [sql]
        if match := _VIEW.match(sql):
            _refuse_local_joins(sql)
        match = match or _DICTIONARY.match(sql) or _ACCESS.match(sql) or _RIGHTS.match(sql)
        if match is None:
            raise ValueError("no such kind of statement is known")
        return [f"{match[0]} {self._on}{sql[match.end() :]}"]

    def _table(self, sql: str) -> list[str]:
        clauses = _clauses(sql)
        head = _CREATE_TABLE.fullmatch(clauses[""])
        engine = _ENGINE.fullmatch(clauses.get("ENGINE", ""))
        if head is None or engine is None:
            raise ValueError("wanted is CREATE TABLE IF NOT EXISTS … ENGINE = …MergeTree…")
        if "ORDER" not in clauses or "COMMENT" not in clauses:
            raise ValueError("a table needs ORDER BY and COMMENT")
        name, like, anew = head["name"], head["like"], bool(head["anew"])
        sharded = "PARTITION" in clauses and re.search(r"\bstation\b", clauses["ORDER"]) is not None
        if like and self._is_sharded(like) != sharded:
            raise ValueError(f"it is not spread as {like} is")
        if anew and not sharded:
            raise ValueError("only a sharded table is known to be replaced")

        stored = _local(name) if sharded else name
        source = "" if not like else f" AS {_local(like) if sharded else like}"
        path = "/clickhouse/tables/{database}/{table}/" + ("{uuid}/" if anew else "")
        where = [f"'{path}{{shard}}'", "'{replica}'"] if sharded else [f"'{path}all'", "'{shard}-{replica}'"]
        arguments = ", ".join([*where, *filter(None, [engine["arguments"]])])
        rest = "".join(
            _replicated_settings(text) if clause == "SETTINGS" else text
            for clause, text in clauses.items()
            if clause not in ("", "ENGINE")
        )
        made = (
            f"CREATE TABLE {'' if anew else 'IF NOT EXISTS '}{stored} {self._on}{source}\n"
            f"{head['columns'] or ''}ENGINE = Replicated{engine['kind']}({arguments})\n{rest}"
        )
        if not sharded:
            self._everywhere.add(name)
            return [made]
        self._comments[name] = clauses["COMMENT"]
        if anew:
            return [self._drop_stored(name), made, self._distributed_table(name, "CREATE OR REPLACE TABLE")]
        return [made, self._distributed_table(name, "CREATE TABLE IF NOT EXISTS")]

    def _distributed_table(self, name: str, verb: str) -> str:
        stored = _local(name)
        engine = f"Distributed('{self._name}', '{self._database}', '{stored}', cityHash64(station))"
        return f"{verb} {name} {self._on} AS {stored}\nENGINE = {engine}\n{self._comments[name]}"

    def _copy_on_insert(self, name: str, target: str, rest: str) -> list[str]:
        select, _, end = rest.rpartition("\nFROM ")
        source, _, comment = end.partition("\nCOMMENT ")
        if re.search(r"\bFROM\b", select) or not comment:
            raise ValueError(
                "wanted is … AS SELECT … FROM table COMMENT …, each of the last two on a line of its own"
            )
        if not (self._is_sharded(target) and self._is_sharded(source)):
            raise ValueError("only from a sharded table to a sharded table are rows known to be copied")
        end = f"\nFROM {_local(source)}\nCOMMENT {comment}"
        self._copying.add(name)
        head = f"CREATE MATERIALIZED VIEW IF NOT EXISTS {name} {self._on}"
        return [f"{head} TO {_local(target)}{select}{end}"]

    def _modify_query(self, name: str, query: str) -> list[str]:
        select, _, source = query.rpartition("\nFROM ")
        if name not in self._copying or re.search(r"\bFROM\b", select) or not self._is_sharded(source):
            raise ValueError(
                "wanted is a materialized view … SELECT … FROM table, the last on a line of its own"
            )
        return [f"ALTER TABLE {name} {self._on} MODIFY QUERY\n{select}\nFROM {_local(source)}"]

    def _exchange(self, first: str, second: str, _end: str) -> list[str]:
        if not (self._is_sharded(first) and self._is_sharded(second)):
            raise ValueError("only sharded tables are known to be exchanged")
        comments = self._comments
        comments[first], comments[second] = comments[second], comments[first]
        exchange = f"EXCHANGE TABLES {_local(first)} AND {_local(second)} {self._on}"
        return [
            exchange,
            *(self._distributed_table(name, "CREATE OR REPLACE TABLE") for name in (first, second)),
        ]

    def _drop(self, name: str, _end: str) -> list[str]:
        if not self._is_sharded(name):
            raise ValueError("only a sharded table is known to be dropped")
        del self._comments[name]
        return [f"DROP TABLE IF EXISTS {name} {self._on}", self._drop_stored(name)]

    def _drop_stored(self, name: str) -> str:
        return f"DROP TABLE IF EXISTS {_local(name)} {self._on} SYNC"

    def _alter(self, name: str, commands: str) -> list[str]:
        pairs = _commands(commands)
        stored = _join_commands(text for text, _ in pairs)
        if name in self._copying:
            return [f"ALTER TABLE {name} {self._on}\n    {stored}"]
        if not self._is_sharded(name):
            # One server tells the others through the keeper; on each shard at once they would collide.
            return [f"ALTER TABLE {name}\n    {stored}\nSETTINGS alter_sync = 2"]
        public = [text for text, is_public in pairs if is_public]
        statements = [f"ALTER TABLE {_local(name)} {self._on}\n    {stored}"]
        if public:
            statements.append(f"ALTER TABLE {name} {self._on}\n    {_join_commands(public)}")
        return statements

    def _is_sharded(self, name: str) -> bool:
        if name not in self._everywhere and name not in self._comments:
            raise ValueError(f"no table {name} was made before")
        return name in self._comments


def _local(name: str) -> str:
    return f"{name}_local"


def _join_commands(commands: Iterable[str]) -> str:
    return ",\n    ".join(commands)


def _replicated_settings(text: str) -> str:
    match = _SETTINGS.fullmatch(text)
    if match is None:
        raise ValueError("of the settings of a table only non_replicated_deduplication_window is known")
    return (
        f"SETTINGS replicated_deduplication_window = {match['window']},"
        f" replicated_deduplication_window_seconds = {_REMEMBERED_SECONDS}\n"
    )


def _commands(text: str) -> list[tuple[str, bool]]:
    """Split the commands of an ALTER; with each goes whether the Distributed table takes it, too."""
    commas = [word.start for word in _words(text) if word.text == "," and not word.depth]
    pairs = []
    for start, end in zip([0, *(comma + 1 for comma in commas)], [*commas, len(text)], strict=True):
        command = text[start:end].strip()
        plain = " ".join(command.split())
        public = plain.startswith(_ALTERS_BOTH)
        if not public and not plain.startswith(_ALTERS_STORED):
            raise ValueError(f"no command {' '.join(plain.split()[:3])} is known")
        pairs.append((command, public))
    return pairs


def _clauses(sql: str) -> dict[str, str]:
    """Split a CREATE TABLE at its clauses: first word -> text from there on; before the first, under ""."""
    names = ("ENGINE", "PARTITION", "PRIMARY", "ORDER", "TTL", "SETTINGS", "COMMENT")
    starts = [(word.text, word.start) for word in _words(sql) if not word.depth and word.text in names]
    places = [("", 0), *starts, ("end", len(sql))]
    return {name: sql[start:end] for (name, start), (_, end) in pairwise(places)}


def _refuse_local_joins(sql: str) -> None:
    """A view is read by sessions with settings of their own: it must itself say GLOBAL."""
    words = [word.text for word in _words(sql)]
    for index, word in enumerate(words):
        before = list(reversed(words[:index]))
        if word == "JOIN":
            kind = next(w for w in before if w not in _JOIN_KINDS)
            if kind not in ("GLOBAL", "ARRAY"):
                raise ValueError("a view joins with GLOBAL … JOIN: the other rows may be on another shard")
        if word == "IN" and words[index + 1 : index + 3] in (["(", "SELECT"], ["(", "WITH"]):
            kind = before[1] if before[0] == "NOT" else before[0]
            if kind != "GLOBAL":
                raise ValueError("a view asks with GLOBAL IN (SELECT …): the rows may be on another shard")


def _words(sql: str) -> Iterator[_Word]:
    """Yield words and signs in capitals, texts in quotes as ``''``; comments are left out."""
    depth = 0
    for token in _TOKEN.finditer(sql):
        text = token[0]
        if text.startswith(("--", "/*")):
            continue
        depth -= text == ")"
        yield _Word("''" if text[0] in "'`\"" else text.upper(), token.start(), depth)
        depth += text == "("
