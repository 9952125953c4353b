"""What a standard replaces, and how long the replaced ones go on.

The circular that brings a standard in says both; so its file states them, and the files of the replaced
standards state no end. A replaced standard whose values were not read needs no file: a permit can still name
it and state its own limits.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC
from typing import Annotated

from pydantic import Field

from quantrac.domain import limits as domain
from quantrac.errors import UserError
from schemas.messages.base import Message
from schemas.messages.registry.fields import TimeOrDate

UNREAD = "Its values are not in these files: a permit that names it states its own limits."
"""The note of a replaced standard without a file."""


class Replaced(Message):
    """A standard that another replaces; empty where it has a file of its own."""

    title: str = ""
    title_vi: str = ""


class Transition(Message):
    """Until when the replaced standards go on for facilities that existed before this one began."""

    until: TimeOrDate
    """Exclusive."""
    source: Annotated[str, Field(min_length=1)]
    certainty: domain.Certainty

    def to_domain(self) -> domain.Transition:
        """Convert for use."""
        return domain.Transition(self.until.astimezone(UTC), self.source, self.certainty)


class Replacing(Message):
    """The keys of a standard's file that say what it replaces."""

    replaces: Annotated[dict[str, Replaced], Field(default_factory=dict)]
    """By name."""
    transition: Transition | None = None
    """Absent = the replaced standards end for every facility where this one begins."""


def end_replaced(
    standards: Sequence[domain.Standard], replacing: Mapping[str, Replacing]
) -> list[domain.Standard]:
    """Return all standards, the replaced ones with their end; those without a file come last.

    ``replacing`` is by the name of the standard that replaces. Raises UserError, one sentence.
    """
    by_name = {standard.name: standard for standard in standards}
    ended: dict[str, domain.Standard] = {}
    for name, keys in replacing.items():
        new = by_name[name]
        if keys.replaces and new.valid_from is None:
            raise UserError(f"{name}: it replaces others, so it needs a valid_from")
        transition = keys.transition.to_domain() if keys.transition else None
        for old, entry in keys.replaces.items():
            if old == name:
                raise UserError(f"{name}: it cannot replace itself")
            if old in ended:
                raise UserError(f"{name}: {ended[old].replaced_by} replaces {old} already")
            ended[old] = replace(
                _find_replaced(old, entry, new, by_name),
                valid_to=new.valid_from,
                replaced_by=name,
                transition=transition,
            )
    unread = [standard for name, standard in ended.items() if name not in by_name]
    return [*(ended.get(standard.name, standard) for standard in standards), *unread]


def _find_replaced(
    name: str, entry: Replaced, new: domain.Standard, by_name: Mapping[str, domain.Standard]
) -> domain.Standard:
    """Return the replaced standard of a file, or one made of its titles alone."""
    standard = by_name.get(name)
    if standard is None:
        if not (entry.title and entry.title_vi):
            raise UserError(f"{new.name}: replaces.{name}: no file has it, so give its title and title_vi")
        source = f"named by {new.name}, which replaces it"
        return domain.Standard(
            name, entry.title, entry.title_vi, new.media, source=source, certainty=new.certainty, note=UNREAD
        )
    if entry.title or entry.title_vi:
        raise UserError(f"{new.name}: replaces.{name}: it has a file of its own, which states its title")
    if standard.valid_to is not None:
        raise UserError(f"{name}: {new.name}, which replaces it, states its end: give no valid_to")
    return standard
