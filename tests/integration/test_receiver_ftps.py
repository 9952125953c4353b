"""FTP with TLS: a certificate made here, real clients, and what is refused in clear."""

import ftplib
import io
import json
import os
import socket
import ssl
import time
import warnings
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from quantrac.cli import main
from quantrac.domain.registry.accounts import AccountLimits
from quantrac.local.datadir import DataDir
from quantrac.local.stack import usual_ports
from quantrac.testing.builders import account, file_name
from support.tls import Pair, make_certificate
from support.waiting import LIMIT, wait_until

Receiver = Any
"""The class of the fixture, in conftest."""

Door = Callable[..., Any]


@pytest.fixture
def pair(tmp_path: Path) -> Pair:
    return Pair(tmp_path)


def connect(door: Any, pair: Pair) -> ftplib.FTP_TLS:
    client = ftplib.FTP_TLS(context=pair.trusting(), timeout=LIMIT)
    client.connect(*door.address)
    return client


def contents(receiver: Receiver, count: int) -> list[bytes | None]:
    wait_until(lambda: len(receiver.broker.records("raw-file")) >= count)
    return [record.value for record in receiver.broker.records("raw-file")]


def test_a_file_is_sent_with_tls_on_both_connections(receiver: Receiver, ftp_door: Door, pair: Pair) -> None:
    content = os.urandom(20_000)
    with connect(ftp_door(certificates=pair.certificates(), plain="never"), pair) as client:
        client.login("bkhn", "secret")
        client.prot_p()
        assert client.storbinary(f"STOR {file_name()}", io.BytesIO(content)).startswith("226")
        assert client.nlst() == [file_name()]
        assert isinstance(client.sock, ssl.SSLSocket)
        assert client.sock.version() == "TLSv1.3"
    assert contents(receiver, 1) == [content]


def test_put_sends_with_tls_to_a_stack_that_has_a_certificate(
    receiver: Receiver, ftp_door: Door, pair: Pair, tmp_path: Path
) -> None:
    door = ftp_door(certificates=pair.certificates(), plain="never")
    data = DataDir(tmp_path / "data")
    data.create()
    (data.root / "kind.json").write_text('{"demo": false}')
    data.ports_file.write_text(json.dumps(usual_ports(demo=False) | {"province.ftp": door.address[1]}))
    data.last_configuration.write_text(f"ftp: {{certificate: {pair.certificate}}}\n")
    (tmp_path / file_name()).write_bytes(b"content")

    def put() -> str:
        arguments = ["put", str(tmp_path / file_name()), "--account", "bkhn", "--data", str(data.root)]
        return CliRunner().invoke(main, arguments, env={"QUANTRAC_PASSWORD": "secret"}).output

    assert ": 226" in put()
    assert contents(receiver, 1) == [b"content"]
    (tmp_path / "other").mkdir()
    data.last_configuration.write_text(f"ftp: {{certificate: {Pair(tmp_path / 'other').certificate}}}\n")
    assert "not acknowledged: [SSL: CERTIFICATE_VERIFY_FAILED]" in put()


def test_an_accounts_rate_holds_with_tls_and_loses_nothing(
    receiver: Receiver, ftp_door: Door, pair: Pair
) -> None:
    receiver.registry.accounts["bkhn"] = account(limits=AccountLimits(bytes_per_second=8000))
    content = os.urandom(20_000)
    begun = time.monotonic()
    with connect(ftp_door(certificates=pair.certificates()), pair) as client:
        client.login("bkhn", "secret")
        client.prot_p()
        assert client.storbinary(f"STOR {file_name()}", io.BytesIO(content)).startswith("226")
    assert time.monotonic() - begun >= 0.5
    assert contents(receiver, 1) == [content]


def test_tls_1_2_is_taken(ftp_door: Door, pair: Pair) -> None:
    context = pair.trusting()
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    client = ftplib.FTP_TLS(context=context, timeout=LIMIT)
    client.connect(*ftp_door(certificates=pair.certificates()).address)
    with client:
        assert client.login("bkhn", "secret").startswith("230")


def test_tls_1_1_is_refused(ftp_door: Door, pair: Pair) -> None:
    context = pair.trusting()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
    context.set_ciphers("ALL:@SECLEVEL=0")
    client = ftplib.FTP_TLS(context=context, timeout=LIMIT)
    client.connect(*ftp_door(certificates=pair.certificates()).address)
    with client, pytest.raises(ssl.SSLError, match="ALERT_PROTOCOL_VERSION"):
        client.auth()


def test_a_reset_on_a_tls_data_connection_is_parked_and_resumed(
    receiver: Receiver, ftp_door: Door, pair: Pair
) -> None:
    with connect(ftp_door(certificates=pair.certificates()), pair) as client:
        client.login("bkhn", "secret")
        client.prot_p()
        client.voidcmd("TYPE I")
        data = client.transfercmd(f"STOR {file_name()}")
        data.sendall(b"half ")
        client.putcmd("ABOR")
        with pytest.raises(ftplib.error_temp, match="426"):
            client.voidresp()
        assert client.voidresp().startswith("226")
        data.close()
        assert client.size(file_name()) == 5
        client.storbinary(f"STOR {file_name()}", io.BytesIO(b"a file"), rest=5)
    assert contents(receiver, 1) == [b"half a file"]


def test_a_data_connection_closed_without_tls_own_end_is_whole(
    receiver: Receiver, ftp_door: Door, pair: Pair
) -> None:
    with connect(ftp_door(certificates=pair.certificates()), pair) as client:
        client.login("bkhn", "secret")
        client.prot_p()
        data = client.transfercmd(f"STOR {file_name()}")
        data.sendall(b"content")
        data.shutdown(socket.SHUT_WR)
        assert client.voidresp().startswith("226")
        data.close()
    assert contents(receiver, 1) == [b"content"]


def test_a_client_that_only_sends_and_never_reads_on_its_data_connection_loses_no_file(
    receiver: Receiver, ftp_door: Door, pair: Pair
) -> None:
    door = ftp_door(certificates=pair.certificates())
    files = {os.urandom(15_000) for _ in range(20)}
    with connect(door, pair) as client:
        client.login("bkhn", "secret")
        client.prot_p()
        for n, content in enumerate(files):
            data = client.transfercmd(f"STOR {n}.txt")
            data.sendall(content)
            data.close()
            assert client.voidresp().startswith("226")
    assert set(contents(receiver, 20)) == files


def test_where_plain_ftp_is_for_nobody_the_name_is_refused(ftp_door: Door, pair: Pair) -> None:
    door = ftp_door(certificates=pair.certificates(), plain="never")
    with ftplib.FTP(timeout=LIMIT) as client:
        client.connect(*door.address)
        with pytest.raises(ftplib.error_perm, match="530 TLS is required"):
            client.login("bkhn", "secret")


def test_plain_ftp_per_account_lets_in_only_those_allowed(
    receiver: Receiver, ftp_door: Door, pair: Pair
) -> None:
    receiver.registry.accounts["old"] = replace(account("old"), plain_ftp=True)
    door = ftp_door(certificates=pair.certificates(), plain="per-account")
    with ftplib.FTP(timeout=LIMIT) as client:
        client.connect(*door.address)
        with pytest.raises(
            ftplib.error_perm, match="530 The account must log in over an encrypted connection"
        ):
            client.login("bkhn", "secret")
        assert client.login("old", "secret").startswith("230")
        assert client.storbinary(f"STOR {file_name()}", io.BytesIO(b"plain")).startswith("226")
    with connect(door, pair) as secured:
        assert secured.login("bkhn", "secret").startswith("230")


def test_an_account_that_needs_tls_needs_it_for_data_too(ftp_door: Door, pair: Pair) -> None:
    with connect(ftp_door(certificates=pair.certificates(), plain="per-account"), pair) as client:
        client.login("bkhn", "secret")
        with pytest.raises(ftplib.error_perm, match="521 Data connections need TLS"):
            client.storbinary(f"STOR {file_name()}", io.BytesIO(b"content"))


def test_a_new_certificate_is_used_without_a_restart(ftp_door: Door, pair: Pair) -> None:
    door = ftp_door(certificates=pair.certificates())
    with connect(door, pair) as before:
        before.login("bkhn", "secret")
        pair.renew()
        with connect(door, pair) as after:
            assert after.login("bkhn", "secret").startswith("230")
        assert before.pwd() == "/"


def test_a_key_that_does_not_fit_leaves_the_old_certificate_in_use(ftp_door: Door, pair: Pair) -> None:
    door = ftp_door(certificates=pair.certificates())
    context = pair.trusting()
    pair.key.write_bytes(make_certificate()[1])
    client = ftplib.FTP_TLS(context=context, timeout=LIMIT)
    client.connect(*door.address)
    with client:
        assert client.login("bkhn", "secret").startswith("230")


def test_files_that_are_no_certificate_are_said_at_the_start(pair: Pair) -> None:
    pair.certificate.write_text("nothing")
    with pytest.raises(ValueError, match=r"tls\.crt .* no certificate and its key"):
        pair.certificates()


def test_without_a_certificate_there_is_no_tls_and_none_is_announced(ftp_door: Door) -> None:
    with ftplib.FTP(timeout=LIMIT) as client:
        client.connect(*ftp_door().address)
        assert "AUTH" not in client.sendcmd("FEAT")
        with pytest.raises(ftplib.error_perm, match="502 TLS is not set up"):
            client.sendcmd("AUTH TLS")
        assert client.login("bkhn", "secret").startswith("230")


def test_what_is_sent_in_clear_behind_auth_is_not_obeyed(ftp_door: Door, pair: Pair) -> None:
    door = ftp_door(certificates=pair.certificates())
    with socket.create_connection(door.address, timeout=LIMIT) as raw:
        assert raw.recv(4096).startswith(b"220")
        raw.sendall(b"AUTH TLS\r\nUSER injected\r\n")
        assert raw.recv(4096) == b"234 AUTH TLS successful.\r\n"
        with pair.trusting().wrap_socket(raw, server_hostname="127.0.0.1") as secured:
            secured.sendall(b"NOOP\r\n")
            assert secured.recv(4096).startswith(b"200")


def test_a_client_that_stops_in_the_handshake_is_disconnected(ftp_door: Door, pair: Pair) -> None:
    door = ftp_door(certificates=pair.certificates(), login_seconds=2)
    with socket.create_connection(door.address, timeout=LIMIT) as raw:
        assert raw.recv(4096).startswith(b"220")
        raw.sendall(b"AUTH TLS\r\n")
        assert raw.recv(4096).startswith(b"234")
        assert raw.recv(4096) == b""
