"""A mail server and a webhook receiver on this machine, saying what a test tells them to."""

import asyncio
import ssl
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

from support.waiting import LIMIT


@dataclass
class Mailbox:
    """What a mail server took; ``answers`` says what it says to a recipient's address or to ``DATA``."""

    port: int = 0
    answers: dict[str, str] = field(default_factory=dict)
    taken: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    """(recipients, mail)."""

    async def handle_RCPT(self, server: Any, session: Any, envelope: Any, address: str, _: Any) -> str:
        answer = self.answers.get(address, "250 OK")
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(self, server: Any, session: Any, envelope: Any) -> str:
        answer = self.answers.get("DATA", "250 OK")
        if answer.startswith("250"):
            message = message_from_bytes(envelope.content, policy=default)
            assert isinstance(message, EmailMessage)
            self.taken.append((list(envelope.rcpt_tos), message))
        return answer


@contextmanager
def mail_server(
    *, starttls: ssl.SSLContext | None = None, tls: ssl.SSLContext | None = None, password: str = ""
) -> Iterator[Mailbox]:
    """Run a mail server; with a password it wants one, whoever the user is."""
    mailbox, loop = Mailbox(), asyncio.new_event_loop()

    def login(_: Any, __: Any, ___: Any, ____: str, login_password: LoginPassword) -> AuthResult:
        right = login_password.password.decode() == password
        return AuthResult(success=right, handled=right)  # or the server would leave the answer to us

    def protocol() -> SMTP:
        return SMTP(
            mailbox,
            hostname="mail.example.org",
            tls_context=starttls,
            require_starttls=starttls is not None,
            auth_required=bool(password),
            auth_require_tls=bool(password) and tls is None,
            authenticator=login if password else None,
            loop=loop,
        )

    server = loop.run_until_complete(loop.create_server(protocol, "127.0.0.1", 0, ssl=tls))
    mailbox.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield mailbox
    finally:
        loop.call_soon_threadsafe(server.close)
        asyncio.run_coroutine_threadsafe(_end_tasks(), loop).result(timeout=LIMIT)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(timeout=LIMIT)
        loop.close()


async def _end_tasks() -> None:
    tasks = [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


@dataclass
class Hook:
    """What a webhook receiver got; it answers with ``status`` and ``text``."""

    url: str = ""
    status: int = 204
    text: str = ""
    got: list[tuple[Mapping[str, str], bytes]] = field(default_factory=list)
    """(headers, body)."""


@contextmanager
def webhook_receiver(*, tls: ssl.SSLContext | None = None) -> Iterator[Hook]:
    """Run a webhook receiver."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.got.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(hook.status)
            self.send_header("Content-Length", str(len(hook.text)))
            self.end_headers()
            self.wfile.write(hook.text.encode())

        def log_message(self, format: str, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if tls is not None:
        server.socket = tls.wrap_socket(server.socket, server_side=True)
    hook.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{server.server_port}/alerts"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()
        thread.join(timeout=LIMIT)
