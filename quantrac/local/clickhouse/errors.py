"""Engine errors as a ClickHouse server puts them on the wire: a code, a status, a text."""

import re

_CODE = re.compile(r"Code: (\d+)\. ")

# The server's own table; every other code is a 500.
_STATUS_OF_CODE = {
    **dict.fromkeys((194,), 401),  # REQUIRED_PASSWORD
    # UNKNOWN_USER, WRONG_PASSWORD, AUTHENTICATION_FAILED, ACCESS_DENIED
    **dict.fromkeys((192, 193, 516, 497), 403),
    # CANNOT_PARSE_*, CANNOT_READ_ALL_DATA, SYNTAX_ERROR, TYPE_MISMATCH, INCORRECT_DATA and the like
    **dict.fromkeys(
        (6, 25, 26, 27, 33, 38, 41, 43, 53, 62, 69, 72, 117, 120, 130, 131, 190, 207, 348, 467, 472), 400
    ),
    # UNKNOWN_TABLE, _FUNCTION, _IDENTIFIER, _TYPE, _STORAGE, _FORMAT, _DATABASE, _SETTING, SESSION_NOT_FOUND
    **dict.fromkeys((16, 46, 47, 50, 56, 60, 63, 73, 78, 81, 108, 115, 372), 404),
    **dict.fromkeys((158, 159), 408),  # TIMEOUT_EXCEEDED
    **dict.fromkeys((223, 307), 413),  # QUERY_IS_TOO_LARGE, TOO_MANY_BYTES
    **dict.fromkeys((48,), 501),  # NOT_IMPLEMENTED
    **dict.fromkeys((202, 209), 503),  # TOO_MANY_SIMULTANEOUS_QUERIES, SOCKET_TIMEOUT
}


class EngineError(Exception):
    """What the engine refused, or the server in its place: `code` is ClickHouse's, `str()` its full text."""

    def __init__(self, code: int, text: str) -> None:
        super().__init__(text)
        self.code = code

    @classmethod
    def with_name(cls, code: int, name: str, text: str) -> "EngineError":
        """Word an error of the server itself as the engine words its own."""
        return cls(code, f"Code: {code}. DB::Exception: {text}. ({name})")

    @classmethod
    def from_text(cls, text: str) -> "EngineError":
        """Find the code in an engine's exception text; 1002 (UNKNOWN_EXCEPTION) where there is none."""
        match = _CODE.search(text)
        return cls(int(match[1]), text[match.start() :]) if match else cls(1002, f"Code: 1002. {text}")

    @property
    def status(self) -> int:
        """The HTTP status that a ClickHouse server answers with."""
        return _STATUS_OF_CODE.get(self.code, 500)


def bad_body(text: str) -> EngineError:
    """A body that is cut short or not encoded as its header says (400)."""
    return EngineError.with_name(33, "CANNOT_READ_ALL_DATA", text)


def too_large(limit: int) -> EngineError:
    """A statement longer than `limit` bytes (413)."""
    return EngineError.with_name(223, "QUERY_IS_TOO_LARGE", f"A statement may have {limit} bytes")
