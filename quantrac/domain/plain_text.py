"""Text that shows as it is: nothing in it steers a terminal, breaks a line or turns its direction."""

import re

# C0, DEL and C1; the Arabic letter mark and the other controls of direction; line and paragraph separators;
# lone halves of a surrogate pair, which is how bytes that are no UTF-8 come in.
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")


def has_control(text: str) -> bool:
    """Tell whether a text holds a control character.

    >>> has_control("Trạm số 1.txt"), has_control("a\\nb"), has_control("\\u202etxt.exe")
    (False, True, True)
    """
    return _CONTROL.search(text) is not None


def escape(text: str, *, keep: str = "") -> str:
    r"""Write each control character but those in ``keep`` as Python would in a literal.

    >>> print(escape("a\x1b[2Jb\nc"), escape("x\ny", keep="\n"), escape("\u202e\udcff"))
    a\x1b[2Jb\nc x
    y \u202e\udcff
    """
    return _CONTROL.sub(
        lambda match: match[0] if match[0] in keep else match[0].encode("unicode_escape").decode(), text
    )


def check_line(text: str) -> str:
    """Return a text of one line; raises ``ValueError`` for one with a control character."""
    if has_control(text):
        raise ValueError(f"{text!r:.80} holds a control character")
    return text
