"""``quantrac conformance``: good and bad station files with what must be read of them."""

import sys
from pathlib import Path
from typing import TextIO

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.terminal import echo


@click.command()
@click.argument("answers", required=False, type=click.File(encoding="utf-8"))
@click.option("--list", "is_list", is_flag=True, help="Say what each file is about.")
@click.option(
    "--export",
    "folder",
    metavar="DIR",
    type=click.Path(file_okay=False, path_type=Path),
    help="Write the files, the registry they are read by and the expected answers (manifest.jsonl).",
)
@one_sentence
def conformance(*, answers: TextIO | None, is_list: bool, folder: Path | None) -> None:
    """Hold a parser against the conformance corpus; by default the one of this version.

    ANSWERS (- for standard input) are those of another parser to the exported files: one JSON object a line
    with file, readings and rejects as `quantrac parse --json` prints them. Compared are, of a reading, line,
    parameter, value, unit, measured_at, status and qualifier, of a reject line and reason; and doubts, where
    an answer has them. Ends with 1 where an answer is missing or another one.

    A logger is checked the other way round, by `quantrac parse --strict --registry DIR FILE...` on its files.
    """
    # numpy, pydantic and the rules take longer to read than the help.
    from quantrac.conformance.corpus import Reader, compare, export_corpus, load_corpus, read_answers

    if is_list or folder is not None:
        if is_list:
            for entry in load_corpus():
                echo(f"{entry.path}: {entry.about}")
        if folder is not None:
            echo(
                f"{export_corpus(folder)} files written to {folder}; what is expected of them: manifest.jsonl"
            )
        return
    given_answers = read_answers(answers) if answers is not None else None
    reader, failed = Reader(), 0
    entries = load_corpus()
    for entry in entries:
        answer = reader.read_entry(entry) if given_answers is None else given_answers.get(entry.path)
        differences = ["no answer"] if answer is None else compare(entry.expected, answer)
        failed += bool(differences)
        for difference in differences:
            echo(f"{entry.path}: {difference}")
    echo(f"{len(entries) - failed} of {len(entries)} files are read as expected.")
    sys.exit(1 if failed else 0)
