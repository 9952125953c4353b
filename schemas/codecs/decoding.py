"""What the decoders share."""

from typing import TypeVar

import msgspec

BadMessage = msgspec.MsgspecError
"""Raised by the decoders: the bytes are not the message they should be; its text says what and where."""

_Message = TypeVar("_Message")


def decode(decoder: msgspec.json.Decoder[_Message], value: bytes) -> _Message:
    """Decode one message; raises :data:`BadMessage`."""
    try:
        return decoder.decode(value)
    except (UnicodeDecodeError, RecursionError) as error:  # errors of the decoder's that are not its own
        raise msgspec.DecodeError(f"JSON is malformed: {error}") from error
