"""What a person should know of a stack: what is configured and does not run, and the reverse."""

from collections.abc import Collection, Iterator

from quantrac.local.configuration import FILE_NAME
from quantrac.local.stack import Stack
from quantrac.local.tiers import FORWARDER, NOTIFIER

_WISHES = {
    FORWARDER: ("ministry", "nothing is forwarded to a ministry"),
    NOTIFIER: ("notify", "nobody is told of alerts"),
}
"""Role that runs where it is asked for → its section of the configuration, and what its absence means."""


def status_notes(stack: Stack, running_names: Collection[str]) -> Iterator[str]:
    """Yield sentences; ``stack`` is as it was at its start, ``running_names`` is empty while it is down."""
    configured = Stack.from_configuration(stack.data, demo=stack.demo)
    if configured.configuration.mistakes:
        yield f"{FILE_NAME} has mistakes; `quantrac up --check` names them"
    if running_names:
        yield from _differences(stack, configured, running_names)
    yield from stack.port_remarks()
    tier = configured.tiers[0]
    for role, (section, meaning) in _WISHES.items():
        if role in tier.optional_roles() and role not in tier.roles():
            yield f"{meaning}: {FILE_NAME} has no section `{section}`"


def _differences(stack: Stack, configured: Stack, running_names: Collection[str]) -> Iterator[str]:
    names = configured.process_names()
    for name in names:
        if name not in running_names:
            yield f"{name} is configured and does not run; `quantrac down`, then `up` starts it"
    for name in running_names:
        if name not in names:
            yield f"{name} runs and is not configured any longer; the next start leaves it out"
    if configured.configuration.text != stack.configuration.text:
        yield f"{FILE_NAME} has changed since the start; it counts from the next `quantrac up` on"
