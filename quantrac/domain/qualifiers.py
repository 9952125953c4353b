"""Values beyond what a method can measure, as laboratories and analysers write them: ``<0.2``, ``>11000``.

The number is a limit of the method, and the *qualifier* says on which side of it the true value lies. In the
ODM2 vocabulary of censored values: ``<`` less than, ``>`` greater than, no qualifier not censored.

"Not detected" (KPH, *không phát hiện*) with the limit beside it, ``KPH (<0.03)``, says the same as ``<0.03``.
Without the limit it is no value at all: what lies below a limit that nobody states may be anything.
"""

import re
import unicodedata
from typing import Literal, TypeAlias

Qualifier: TypeAlias = Literal["", "<", ">"]
NO_QUALIFIER: Qualifier = ""
BELOW: Qualifier = "<"
ABOVE: Qualifier = ">"

_SIGNS: dict[str, Qualifier] = {"<": BELOW, "＜": BELOW, ">": ABOVE, "＞": ABOVE}
# Written from practice, unverified.
_LIMIT_NAMES = r"(?:lod|loq|mdl|mql|gh[pđ][hl])"
_NOT_DETECTED = (
    r"(?:kph[đt]?|không phát hiện(?: được)?|khong phat hien(?: duoc)?|n\.?d\.?"
    rf"|not[ -]?detected|non[ -]?detect|bdl|below (?:the )?detection limit|<\s*{_LIMIT_NAMES})"
)
_IS_NOT_DETECTED = re.compile(_NOT_DETECTED, re.IGNORECASE)
_NOT_DETECTED_LIMIT = re.compile(
    rf"{_NOT_DETECTED}\s*(?:\(\s*)?(?:<|({_LIMIT_NAMES}))([^()<>]*)\)?", re.IGNORECASE
)


def split_qualifier(text: str) -> tuple[Qualifier, str]:
    """Return the qualifier of a value and the text of its number; empty and the whole text without one.

    >>> split_qualifier("<0.2"), split_qualifier("KPH (LOD=0,03)"), split_qualifier("27.8")
    (('<', '0.2'), ('<', '0,03'), ('', '27.8'))
    """
    if not text.strip("0123456789.,+- "):  # nearly all are plain numbers
        return NO_QUALIFIER, text
    if match := _NOT_DETECTED_LIMIT.fullmatch(_compose(text)):
        limit_name, limit = match.groups()
        limit = limit.strip()
        return BELOW, limit[1:].lstrip() if limit_name and limit[:1] in ("=", ":") else limit
    sign, number = text.lstrip()[:1], text.lstrip()[1:]
    if sign in _SIGNS and not is_not_detected(text):
        return _SIGNS[sign], number.lstrip()
    return NO_QUALIFIER, text


def is_not_detected(text: str) -> bool:
    """Tell whether a text says that nothing was detected, and not below which limit.

    >>> [is_not_detected(text) for text in ("KPH", "n.d.", "< LOD", "KPH (<0.03)", "<0.03", "sand")]
    [True, True, True, False, False, False]
    """
    return _IS_NOT_DETECTED.fullmatch(_compose(text)) is not None


def _compose(text: str) -> str:
    """Return a text with each accented letter as one character."""
    return unicodedata.normalize("NFC", text).strip()
