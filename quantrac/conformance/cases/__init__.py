"""What each file of the corpus is about, and which rejects and doubts it must give: written by hand.

The layouts are those of real files; decimal commas, encodings other than UTF-8, control bytes and most faults
are made up.
"""

from quantrac.conformance.cases.case import RECEIVED_AT, Case
from quantrac.conformance.cases.doubted import DOUBTED
from quantrac.conformance.cases.good import GOOD
from quantrac.conformance.cases.rejected import REJECTED

CASES = (*GOOD, *REJECTED, *DOUBTED)
"""In the order of the corpus."""

__all__ = ["CASES", "RECEIVED_AT", "Case"]
