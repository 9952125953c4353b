"""All doubts about a file, in the order of its lines."""

from quantrac.domain.inspection.assumptions import find_assumptions
from quantrac.domain.inspection.doubt import Doubt
from quantrac.domain.inspection.file import InspectedFile
from quantrac.domain.inspection.flags import find_flags
from quantrac.domain.qa.thresholds.rule_book import RuleBook
from quantrac.domain.registry.registry import Registry

LISTED_DOUBTS = 1000
"""Doubts listed of one file, as of rejects."""


def find_doubts(file: InspectedFile, registry: Registry, book: RuleBook) -> list[Doubt]:
    """Return what speaks against the lines that were read, those of the whole file first.

    ``registry`` holds the stations that the file was read by, none where it was read by the catalogue.
    """
    doubts = [*find_assumptions(file, registry.stations.values()), *find_flags(file, registry, book)]
    return sorted(doubts, key=lambda doubt: doubt.line)[:LISTED_DOUBTS]
