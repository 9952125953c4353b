"""``quantrac env``: what one role needs to run by hand, beside the stack or in a debugger."""

import shlex

import click

from quantrac.cli.mistakes import one_sentence
from quantrac.cli.options import data_option
from quantrac.cli.terminal import echo
from quantrac.local.datadir import DataDir
from quantrac.local.stack import Stack
from quantrac.local.tiers import find_role


@click.command()
@click.argument("role")
@data_option
@one_sentence
def env(role: str, data: DataDir) -> None:
    """Print the environment of ROLE for a shell, and the command that runs it as a comment.

    ROLE is a process of `quantrac status`, such as province.validator.validate, or one without its tier: then
    the province's, where it has such a role. Start the stack with `quantrac up --without ROLE` first; then

    \b
      eval "$(quantrac env validator.validate)"
      python -m services.validator validate

    runs it in this shell. The output holds passwords of this stack, which stand in the data folder, readable
    by you only: hand it to nobody.
    """
    stack = Stack.read(data)
    name = find_role(role, stack.tiers)
    spec = next(spec for spec in stack.roles() if spec.name == name)
    for variable, value in spec.env.items():
        echo(f"export {variable}={shlex.quote(value)}")
    echo(f"# run it: {shlex.join(spec.argv)}")
    state = data.read_state()
    if state is not None and any(process.name == name and process.pid for process in state.processes):
        advice = f"`quantrac up --without {role}` leaves it out"
        echo(f"quantrac: {name} runs in the stack already; {advice}", err=True)
