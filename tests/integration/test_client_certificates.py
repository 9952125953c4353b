"""Accounts that log in by a certificate: real TLS at a door, the forwarder's settings at the other end."""

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import httpx
import pytest
from fastapi import Depends

from quantrac.domain.registry.accounts import Account, AccountLimits
from quantrac.io.health import Health
from quantrac.io.http_server import HttpServer
from quantrac.io.settings import load
from quantrac.io.tls import ServerFiles, ServerTls, read_fingerprint
from quantrac.testing.builders import NOON, account, registry
from services.forwarder.config import ForwarderSettings
from services.receiver.access.authentication import Authenticator
from services.receiver.access.gate import Gate
from services.receiver.access.logins import Logins
from services.receiver.adapters.http.app import create_app
from services.receiver.adapters.http.basic_auth import BasicAuth
from support.tls import Pair
from support.waiting import LIMIT


class Door:
    """A door for provinces that asks for certificates, and the files of both sides."""

    def __init__(self, folder: Path) -> None:
        self.server, self.client, self.next = (Pair(folder, name) for name in ("server", "client", "next"))
        self.authority = folder / "provinces.pem"
        self.authority.write_bytes(self.client.certificate.read_bytes() + self.next.certificate.read_bytes())
        self.registry = registry([], [account("hanoi", role="province", stations=(), provinces=("01",))])
        gate = Gate(
            self.registry,
            Authenticator(self.registry, lambda: NOON),
            AccountLimits(connections=5),
            clock=lambda: NOON,
        )
        self.logins = Logins(gate)
        app, auth = create_app(health=lambda: Health(True)), BasicAuth(self.logins, "province")

        @app.get("/v1/account")
        def name(sender: Annotated[Account, Depends(auth)]) -> str:
            return sender.name

        files = ServerFiles(self.server.certificate, self.server.key, self.authority)
        self.http = HttpServer("127.0.0.1", 0, app, tls=ServerTls(files), grace_seconds=1)

    def name(self, *certificates: Path, **changes: object) -> None:
        """Let the registry's account have these certificates."""
        fingerprints = tuple(map(read_fingerprint, certificates))
        changed = replace(self.registry.accounts["hanoi"], certificates=fingerprints, **changes)  # type: ignore[arg-type]
        self.registry.accounts["hanoi"] = changed

    @property
    def url(self) -> str:
        return f"https://127.0.0.1:{self.http.address[1]}/v1/account"

    def connect(self, pair: Pair | None = None, auth: tuple[str, str] | None = None) -> httpx.Client:
        """Return a client with the TLS that a forwarder's settings give."""
        variables = {"MINISTRY_URL": self.url, "MINISTRY_ACCOUNT": "hanoi"}
        variables["MINISTRY_AUTHORITY"] = str(self.server.certificate)
        variables["FORWARDER_DATA"] = str(self.authority.parent)
        if pair is None:
            variables["MINISTRY_PASSWORD"] = "secret"
        else:
            variables |= {
                "MINISTRY_CERTIFICATE": str(pair.certificate),
                "MINISTRY_CERTIFICATE_KEY": str(pair.key),
            }
        with pytest.MonkeyPatch.context() as environment:
            for name, value in variables.items():
                environment.setenv(f"QUANTRAC_{name}", value)
            context = load(ForwarderSettings).ministry_tls()
        assert context is not None
        return httpx.Client(verify=context, auth=auth, timeout=LIMIT)


@pytest.fixture
def door(tmp_path: Path) -> Iterator[Door]:
    opened, stop = Door(tmp_path), threading.Event()
    thread = threading.Thread(target=opened.http.run, args=(stop,))
    thread.start()
    yield opened
    stop.set()
    thread.join(timeout=LIMIT)
    opened.logins.close()


def answer(response: httpx.Response) -> object:
    return response.json() if response.is_success else response.status_code


def test_a_certificate_of_the_registry_needs_no_password_and_a_password_no_certificate(door: Door) -> None:
    door.name(door.client.certificate)
    with door.connect(door.client) as client:
        assert answer(client.get(door.url)) == "hanoi"
        assert answer(client.get(door.url, auth=("hanoi", "guess"))) == 401, "a name and a password go first"
    with door.connect(auth=("hanoi", "secret")) as client:
        assert answer(client.get(door.url)) == "hanoi"
        assert answer(client.get(door.url, auth=None)) == 401


def test_a_certificate_that_no_account_has_is_answered_401(door: Door) -> None:
    with door.connect(door.client) as client:
        response = client.get(door.url)
        assert answer(response) == 401
        assert response.headers["www-authenticate"].startswith("Basic ")


def test_two_certificates_count_while_the_account_changes_over_and_a_retired_one_is_out_at_once(
    door: Door,
) -> None:
    door.name(door.client.certificate, door.next.certificate, password_hash="")
    with door.connect(door.client) as old, door.connect(door.next) as new:
        assert [answer(client.get(door.url)) for client in (old, new)] == ["hanoi", "hanoi"]
        door.name(door.next.certificate)
        assert [answer(client.get(door.url)) for client in (old, new)] == [401, "hanoi"]


def test_a_certificate_of_a_stations_account_opens_no_door_of_provinces(door: Door) -> None:
    door.name(door.client.certificate, role="station")
    with door.connect(door.client) as client:
        assert answer(client.get(door.url)) == 403
