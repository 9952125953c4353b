"""The thresholds of the quality tests, as data.

``files`` reads rule files, ``ruleset`` answers what holds for a series at a time, ``book`` says which rule
set judges which reading, ``differences`` compares two of them. The shipped defaults are in ``national/``: a
file for what holds everywhere and one for each station type.
"""

from schemas.rules.book import RuleBook
from schemas.rules.files import NATIONAL, from_content, load
from schemas.rules.ruleset import RuleSet

__all__ = ["NATIONAL", "RuleBook", "RuleSet", "from_content", "load"]
