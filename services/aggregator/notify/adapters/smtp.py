"""A target by e-mail, through the standard library."""

import hashlib
import smtplib
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from pathlib import Path
from typing import Literal

from services.aggregator.notify.target import Notice, TargetAway, TargetRefused

_TIMEOUT_SECONDS = 20.0
_LONGEST_REASON = 300

# Not every server says that it takes 8 bits, and the library does not ask.
_POLICY = SMTP.clone(cte_type="7bit")


class SmtpChannel:
    """One mail server and the people behind it, a connection for each message.

    Until the login is over, a refusal concerns no notice and is tried again; after that 5xx is for good.
    """

    def __init__(
        self,
        target: str,
        host: str,
        port: int,
        *,
        security: Literal["starttls", "tls", "none"],
        sender: str,
        to: Sequence[str],
        user: str = "",
        password: str = "",
        ca_file: Path | None = None,
    ) -> None:
        self._target, self._host, self._port, self._security = target, host, port, security
        self._sender, self._to, self._user, self._password = sender, list(to), user, password
        self._domain = sender.rpartition("@")[2]
        self._ca_file = ca_file

    def send(self, notice: Notice) -> str:
        """See :class:`services.aggregator.notify.target.Channel`; it is taken if one person gets it."""
        message = self.message(notice)
        try:
            server = self._connect()
        except (OSError, smtplib.SMTPException) as error:
            raise TargetAway(_reason(error)) from error
        try:
            refused = server.send_message(message, self._sender, self._to)
        except smtplib.SMTPRecipientsRefused as error:
            codes = [code for code, _ in error.recipients.values()]
            raise _verdict(codes, _list(error.recipients)) from error
        except smtplib.SMTPResponseException as error:
            raise _verdict([error.smtp_code], _reason(error)) from error
        except (OSError, smtplib.SMTPException) as error:
            raise TargetAway(_reason(error)) from error
        finally:
            _leave(server)
        return _list(refused)

    def close(self) -> None:
        """Nothing is kept open."""

    def message(self, notice: Notice) -> EmailMessage:
        """Write the mail; its id follows from the notice's, so that mail programs thread and drop repeats."""
        message = EmailMessage(_POLICY)
        message["From"] = self._sender
        message["To"] = ", ".join(self._to)
        message["Subject"] = " ".join(notice.subject.split())
        message["Date"] = format_datetime(notice.at)
        message["Message-ID"] = self._message_id(notice.id)
        if notice.answers:
            message["In-Reply-To"] = message["References"] = self._message_id(notice.answers)
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(notice.text)
        return message

    def _message_id(self, notice: str) -> str:
        # Station codes may hold what an id may not.
        name = hashlib.sha256(f"{self._target}\n{notice}".encode()).hexdigest()[:32]
        return f"<{name}@{self._domain}>"

    def _connect(self) -> smtplib.SMTP:
        # Our name is the sender's domain: the library would ask the resolver, which may take seconds.
        # Without a context of ours it would take any certificate.
        if self._security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(
                self._host, self._port, self._domain, timeout=_TIMEOUT_SECONDS, context=self._trust()
            )
        else:
            server = smtplib.SMTP(self._host, self._port, self._domain, timeout=_TIMEOUT_SECONDS)
        try:
            if self._security == "starttls":
                server.starttls(context=self._trust())  # raises where the server does not offer it
            server.ehlo_or_helo_if_needed()
            if self._user:
                server.login(self._user, self._password)
        except BaseException:
            server.close()
            raise
        return server

    def _trust(self) -> ssl.SSLContext:
        return ssl.create_default_context(cafile=self._ca_file)


def _leave(server: smtplib.SMTP) -> None:
    """End the session; an error after the answer changes nothing about it."""
    try:
        server.quit()
    except (OSError, smtplib.SMTPException):
        server.close()


def _verdict(codes: Sequence[int], reason: str) -> TargetAway | TargetRefused:
    return TargetRefused(reason) if all(500 <= code < 600 for code in codes) else TargetAway(reason)


def _list(refused: dict[str, tuple[int, bytes]]) -> str:
    return "; ".join(
        f"{address}: {code} {_line(answer)}" for address, (code, answer) in sorted(refused.items())
    )


def _reason(error: Exception) -> str:
    if isinstance(error, smtplib.SMTPResponseException):
        return f"{error.smtp_code} {_line(error.smtp_error)}"
    return f"{type(error).__name__}: {error}"[:_LONGEST_REASON]


def _line(answer: bytes | str) -> str:
    text = answer.decode(errors="replace") if isinstance(answer, bytes) else answer
    return " ".join(text.split())[:_LONGEST_REASON]
