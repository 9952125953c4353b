"""The page for operators against the commands, the keys and the variables that it names."""

import re
import shlex

import click
import pytest

from docs import operating_page
from quantrac.cli import _COMMANDS, main
from quantrac.local.configuration.keys import BY_NAME, SECTIONS
from quantrac.local.systemd import NAME
from schemas.topics import TOPICS
from support.folders import ROOT

TEXT = operating_page.PAGE.read_text(encoding="utf-8")
BLOCKS = re.findall(r"^```sh\n(.*?)^```", TEXT, re.DOTALL | re.MULTILINE)
INLINE = re.findall(r"`(quantrac [a-z][^`]*)`", TEXT)


def command_lines() -> list[str]:
    """Return each command of ours that the page shows, as it is typed after the name of the program."""
    lines = [line.split("#")[0].strip() for block in BLOCKS for line in block.splitlines()]
    typed = [re.sub(r"^sudo \S*/quantrac ", "quantrac ", line) for line in lines]
    return sorted({line for line in [*typed, *INLINE] if line.startswith("quantrac ")})


@pytest.mark.parametrize("line", command_lines())
def test_every_command_it_shows_exists_with_these_options(line: str) -> None:
    _, *words = shlex.split(line)
    command: click.Command = main
    context = click.Context(main)
    while isinstance(command, click.Group) and words and not words[0].startswith("-"):
        child = command.get_command(context, words.pop(0))
        assert child is not None, line
        command = child
    options = {option for parameter in command.params for option in parameter.opts} | {"--help"}
    assert {word.split("=")[0] for word in words if word.startswith("--")} <= options
    arguments = [parameter for parameter in command.params if isinstance(parameter, click.Argument)]
    assert (
        arguments or isinstance(command, click.Group) or not [w for w in words[:1] if not w.startswith("-")]
    )


def test_it_shows_the_commands_of_an_installation() -> None:
    shown = {line.split()[1] for line in command_lines()}
    assert {"init", "up", "status", "service", "put", "registry", "keys", "notify", "logs"} <= shown
    assert shown <= set(_COMMANDS)


def test_every_key_it_names_exists() -> None:
    named = set(re.findall(rf"`((?:{'|'.join(SECTIONS)})\.[\w-]+)[`:]", TEXT))
    assert len(named) > 20
    retained = {f"retention.{topic.name}" for topic in TOPICS.values()}
    # `notify.yaml` is a file, `forwarder.forward` and `api.serve` are roles.
    assert named - retained - set(BY_NAME) - {"notify.yaml", "api.serve"} == set()


def test_its_table_of_keys_is_what_make_docs_writes() -> None:
    assert operating_page.generated() == TEXT, "run `make docs`"


def test_the_unit_it_starts_is_the_one_that_is_written() -> None:
    assert f"systemctl enable --now {NAME}" in TEXT


def test_every_page_it_links_exists() -> None:
    for link in re.findall(r"\]\(([^)#]+)\)", TEXT):
        assert (ROOT / "docs" / link).exists(), link
