"""``python -m docs.operating_page``: write the table of the configuration's keys into docs/operating.md."""

from pathlib import Path

from quantrac.local.configuration.keys import KEYS, PORTS, SECTIONS, Key

PAGE = Path(__file__).parent / "operating.md"
BEGIN, END = "<!-- keys: written by `make docs` -->", "<!-- /keys -->"


def generated() -> str:
    """Return what the page should be; raises ValueError where it has lost its markers."""
    before, begin, rest = PAGE.read_text(encoding="utf-8").partition(BEGIN)
    _, end, after = rest.partition(END)
    if not (begin and end):
        raise ValueError(f"{PAGE.name}: the markers {BEGIN} and {END} are gone")
    rows = ["| key | meaning | example |", "| --- | --- | --- |", *map(_row, KEYS)]
    rows += [f"| `{name}.*` | {_cell(SECTIONS[name])} | |" for name in ("retention", "settings")]
    return "\n".join([before + BEGIN, "", *rows, "", END + after])


def _row(key: Key) -> str:
    example = str(key.example).lower() if isinstance(key.example, bool) else str(key.example)
    return f"| `{key.name}` | {_cell(key.comment) or _meaning(key)} | `{example}` |"


def _meaning(key: Key) -> str:
    """Say what a key means whose section says enough in the file."""
    if key.name in PORTS:
        name = PORTS[key.name].format(tier="province")
        return f"its port; without it that of `--port {name}=N`, else the usual one where it is free"
    return {"listen": "as `ftp.listen`", "announce": "as `ftp.announce`"}[key.name.partition(".")[2]]


def _cell(comment: str) -> str:
    return comment.replace("\n", " ").replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(generated(), encoding="utf-8")
