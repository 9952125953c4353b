"""Numbers as loggers, spreadsheets and people write them: one reader for all ways in.

The decimal sign is a point or a comma. Before exactly three digits, as in ``1,013``, either sign may divide
thousands instead. Only the other numbers of the file tell, or what is declared of it; where they do not, the
text is refused, since a guess would be wrong by a factor of a thousand.
"""

import re
from collections.abc import Callable, Iterable
from math import isfinite
from typing import Literal

from quantrac.domain.qualifiers import NO_QUALIFIER, Qualifier, is_not_detected, split_qualifier

DecimalSign = Literal[".", ","]

_MAY_DIVIDE_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}([.,])\d{3}\s*", re.ASCII)
_SURE_COMMA = re.compile(
    r"\s*[+-]?(?:\d+,(?!\d{3}\s*$)\d+(?:[eE][+-]?\d+)?|(?:0\d*|\d{4,}),\d{3})\s*", re.ASCII
)
# With a decimal point; of a decimal comma once the two are swapped.
_WITH_THOUSANDS = re.compile(r"\s*[+-]?[1-9]\d{0,2}(?:,\d{3})+(?:\.\d+)?\s*", re.ASCII)
_SWAP = str.maketrans(".,", ",.")


class NumberError(ValueError):
    """A text, the only argument, is no number; as a string it says so, as the end of a sentence."""

    def __str__(self) -> str:
        return f"{self.args[0].strip()!r} is no number"


class AmbiguousNumberError(NumberError):
    """A text is one of two numbers, one a thousand times the other."""

    def __str__(self) -> str:
        return f"{self.args[0].strip()!r} may be a number or a thousand times it; write a decimal point alone"


class NotDetectedError(NumberError):
    """A text says that nothing was detected, and not below which limit."""

    def __str__(self) -> str:
        return f"{self.args[0].strip()!r} does not say below which limit; write it as <0.2"


def read_plain(text: str) -> float:
    """Read a number of a configuration: with a decimal point or none.

    Raises :class:`NumberError` for all else, also for what ``float`` would take: NaN, infinity, ``1_000``,
    digits of other scripts, numbers past the range of a double.

    >>> read_plain("-1.60"), read_plain("2.5e3")
    (-1.6, 2500.0)
    """
    try:
        value = float(text)
    except ValueError:
        raise NumberError(text) from None
    if not isfinite(value) or "_" in text or not text.isascii():
        raise NumberError(text)
    return value


class Numbers:
    """Reads the numbers of one file."""

    def __init__(
        self,
        written: Callable[[], Iterable[str]] = tuple,
        declared: DecimalSign | None = None,
        *,
        may_hold_commas: bool = True,
    ) -> None:
        """``written`` gives all the numbers of the file as they stand there; it is asked once, if at all.

        A sign that is ``declared`` goes before what they say, and the other one then divides thousands.
        ``may_hold_commas`` is false where no number of the file has one.
        """
        self._written, self._declared = written, declared
        self._has_question = may_hold_commas or declared is not None
        self._sign = declared

    def read(self, text: str) -> float:
        """Read a decimal number: sign, point or comma, exponent, any number of digits, blanks around it.

        Raises :class:`AmbiguousNumberError` where the point or comma may divide thousands, and
        :class:`NumberError` for all else, also for what ``float`` would take.

        >>> Numbers().read("7,85"), Numbers(lambda: ["7,85", "1,013"]).read("1,013")
        (7.85, 1.013)
        """
        try:
            value = float(text)
        except ValueError:
            if _SURE_COMMA.fullmatch(text):
                value = float(text.replace(",", "."))
                if isfinite(value):
                    return value
        else:
            if not isfinite(value) or "_" in text or not text.isascii():
                raise NumberError(text)
            if not (self._has_question and _MAY_DIVIDE_THOUSANDS.fullmatch(text)):
                return value
        return self._read_unsure(text)

    def read_qualified(self, text: str) -> tuple[float, Qualifier]:
        """Read a number that may be given as beyond a limit of the method, such as ``<0.2``.

        Raises as :meth:`read`, and :class:`NotDetectedError` where the limit is not stated.

        >>> Numbers().read_qualified("27.8"), Numbers().read_qualified("> 11000")
        ((27.8, ''), (11000.0, '>'))
        """
        try:
            return self.read(text), NO_QUALIFIER
        except NumberError as error:
            qualifier, number = split_qualifier(text)
            if qualifier:
                return self._read_limit(text, number), qualifier
            raise NotDetectedError(text) if is_not_detected(text) else error from None

    def _read_limit(self, text: str, number: str) -> float:
        """Read the number of a qualified value; what is wrong with it is said of the whole ``text``."""
        try:
            return self.read(number)
        except NumberError as error:
            raise type(error)(text) from None

    def _read_unsure(self, text: str) -> float:
        """Read a number of which the file's decimal sign says what it means; raises for all else."""
        match = _MAY_DIVIDE_THOUSANDS.fullmatch(text)
        if match is not None and match[1] == self._decimal_sign():
            return float(text.replace(",", "."))
        pointed = text.translate(_SWAP) if self._declared == "," else text
        if self._declared is not None and _WITH_THOUSANDS.fullmatch(pointed):
            value = float(pointed.replace(",", ""))
            if isfinite(value):
                return value
        raise (AmbiguousNumberError if match else NumberError)(text)

    def _decimal_sign(self) -> DecimalSign:
        """Return the decimal sign of the file: the comma where its numbers show it and none shows a point."""
        if self._sign is None:
            signs = {decimal_sign(split_qualifier(text)[1]) for text in self._written()}
            self._sign = "," if "," in signs and "." not in signs else "."
        return self._sign


def is_number(text: str) -> bool:
    """Tell whether a text is meant as a number, ambiguous, beyond a limit or not.

    >>> is_number("1,013"), is_number("<0.2"), is_number("KPH"), is_number("12,4x")
    (True, True, True, False)
    """
    try:
        Numbers().read_qualified(text)
    except (AmbiguousNumberError, NotDetectedError):
        return True
    except NumberError:
        return False
    return True


def has_unsure_comma(text: str) -> bool:
    """Tell whether the comma of a number may stand before its decimals or between its thousands.

    >>> [has_unsure_comma(text) for text in ("1,013", "7,85", "0,013", "1.013")]
    [True, False, False, False]
    """
    match = _MAY_DIVIDE_THOUSANDS.fullmatch(text)
    return match is not None and match[1] == ","


def decimal_sign(text: str) -> DecimalSign | None:
    """Return the decimal sign that a number shows for sure; ``None`` where it shows none, or is no number.

    >>> [decimal_sign(text) for text in ("7,85", "0,013", "1.013", "1,234.5", "1.234.567", "8")]
    [',', ',', None, '.', ',', None]
    """
    if _SURE_COMMA.fullmatch(text):
        return ","
    if _SURE_COMMA.fullmatch(text.replace(".", ",")):
        return "."
    if _MAY_DIVIDE_THOUSANDS.fullmatch(text):
        return None
    if _WITH_THOUSANDS.fullmatch(text):
        return "."
    return "," if _WITH_THOUSANDS.fullmatch(text.translate(_SWAP)) else None
