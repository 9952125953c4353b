"""The commands of RFC 959 that loggers send and that change nothing here, answered so that they go on.

Bytes are kept as they came, whatever the type. So the library is never told of ASCII, in which it refuses
SIZE and REST: it would have to count line ends. Loggers compare SIZE with what they sent.
"""

from typing import Any, ClassVar

from pyftpdlib.handlers import TLS_FTPHandler

_SUPERFLUOUS = {"ACCT", "CLNT", "SITE"}
"""Accounts beside the login, names of programs, rights of files: nothing here depends on them."""

_TYPES = {"AN": "A", "AT": "A"}
"""ASCII with a format of RFC 959, 3.1.1.5: non-print and Telnet, the same to whoever keeps the bytes."""


class LenientHandler(TLS_FTPHandler):  # type: ignore[misc]  # pyftpdlib is untyped
    """Takes lines that end in a bare LF, all forms of TYPE that mean bytes or text, and options of LIST."""

    # OPTS without a login: Windows' ftp.exe sends OPTS UTF8 ON first of all.
    proto_cmds: ClassVar[dict[str, Any]] = {
        name: command for name, command in TLS_FTPHandler.proto_cmds.items() if not name.startswith("SITE")
    } | {"OPTS": TLS_FTPHandler.proto_cmds["OPTS"] | {"auth": False}}

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self.set_terminator(b"\n")

    @property
    def _current_type(self) -> str:
        return "i"

    @_current_type.setter
    def _current_type(self, _: str) -> None:
        """Nothing depends on what the client chose."""

    def decode(self, line: bytes) -> str:
        """Return the text of a line that has come, without its CR."""
        text: str = super().decode(line)
        return text.removesuffix("\r")

    def pre_process_command(self, line: str, cmd: str, arg: str) -> None:
        """Answer what is superfluous (202), and read LIST without the options of ls."""
        if cmd in _SUPERFLUOUS:
            self.respond("202 Superfluous here: nothing is changed.")
            return
        while cmd in {"LIST", "NLST"} and arg.startswith("-"):
            arg = arg.partition(" ")[2].lstrip()
        super().pre_process_command(line, cmd, arg)

    def ftp_TYPE(self, line: str) -> None:  # noqa: N802
        """Take ``A``, ``I`` and ``L 8``, ASCII with a format too, in small letters too."""
        form = line.upper().replace(" ", "")
        super().ftp_TYPE(_TYPES.get(form, line))
