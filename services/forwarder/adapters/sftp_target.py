"""A target for files by SFTP, through asyncssh: an event loop that turns while a file is sent."""

import asyncio
import logging
from pathlib import Path

import asyncssh

from services.forwarder.files.target import TEMPORARY, CouldNotConnect, FileRefused, TransferError, describe

_TIMEOUT_SECONDS = 20.0
_REFUSALS = (
    asyncssh.SFTPPermissionDenied,
    asyncssh.SFTPNoSuchFile,
    asyncssh.SFTPNoSuchPath,
    asyncssh.SFTPNotADirectory,
    asyncssh.SFTPFileIsADirectory,
    asyncssh.SFTPInvalidFilename,
    asyncssh.SFTPOpUnsupported,
    asyncssh.SFTPWriteProtect,
)


class SftpTarget:
    """One account at one server; see :class:`services.forwarder.files.target.FileTarget`.

    ``base`` is as that of :class:`services.forwarder.adapters.ftp_target.FtpTarget`. The server's key must
    stand in ``known_hosts`` (OpenSSH's form); login is by ``key``, a private key without passphrase, or by
    password.
    """

    def __init__(
        self,
        host: str,
        port: int,
        *,
        base: str = "",
        account: str,
        known_hosts: Path,
        password: str = "",
        key: Path | None = None,
    ) -> None:
        self._host, self._port, self._base, self._account = host, port, base, account
        self._known_hosts, self._password, self._key = known_hosts, password, key
        self._runner: asyncio.Runner | None = None
        self._connection: asyncssh.SSHClientConnection | None = None
        self._client: asyncssh.SFTPClient | None = None
        self._folders: set[str] = set()
        # One line a login and one a file would drown the log.
        asyncssh.set_log_level(logging.WARNING)

    def send(self, folder: str, name: str, content: bytes) -> None:
        """Store a file: written under a temporary name, its size compared, renamed over what stands there."""
        if self._runner is None:
            self._runner = asyncio.Runner()
        self._runner.run(self._send(folder, name, content))

    def close(self) -> None:
        """Close the connection."""
        if self._runner is not None:
            self._runner.run(self._disconnect())
            self._runner.close()
            self._runner = None

    async def _send(self, folder: str, name: str, content: bytes) -> None:
        client = self._client or await self._connect()
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                path = await self._enter(client, folder)
                await _store(client, f"{path}/{name}", content)
        except _REFUSALS as error:
            raise FileRefused(describe(error)) from error
        except (OSError, TimeoutError, ValueError, asyncssh.Error) as error:
            await self._disconnect()
            raise TransferError(describe(error)) from error
        except TransferError:
            await self._disconnect()
            raise

    async def _connect(self) -> asyncssh.SFTPClient:
        try:
            async with asyncio.timeout(_TIMEOUT_SECONDS):
                self._connection = await asyncssh.connect(
                    self._host,
                    self._port,
                    username=self._account,
                    password=self._password or None,
                    client_keys=[str(self._key)] if self._key else None,
                    known_hosts=str(self._known_hosts),
                    # Nothing but what is configured here: no agent, no ~/.ssh.
                    agent_path=None,
                    config=None,
                )
                self._client = await self._connection.start_sftp_client()
        except (OSError, TimeoutError, ValueError, asyncssh.Error) as error:
            await self._disconnect()
            raise CouldNotConnect(describe(error)) from error
        return self._client

    async def _enter(self, client: asyncssh.SFTPClient, folder: str) -> str:
        """Return the path of a folder, made where it is missing."""
        path = f"{self._base.rstrip('/')}/{folder}" if self._base else folder
        if path not in self._folders:
            await client.makedirs(path, exist_ok=True)
            if len(self._folders) >= _MOST_FOLDERS:
                self._folders.clear()
            self._folders.add(path)
        return path

    async def _disconnect(self) -> None:
        connection, self._connection, self._client = self._connection, None, None
        self._folders.clear()
        if connection is not None:
            connection.abort()
            await connection.wait_closed()


_MOST_FOLDERS = 10_000
"""Folders known to be there; a country's stations have one a day."""


async def _store(client: asyncssh.SFTPClient, path: str, content: bytes) -> None:
    temporary = f"{path}{TEMPORARY}"
    async with client.open(temporary, "wb") as file:
        await file.write(content)
    size = (await client.stat(temporary)).size
    if size != len(content):
        raise TransferError(f"the target has {size} bytes of {len(content)}")
    try:
        await client.posix_rename(temporary, path)
    except asyncssh.SFTPOpUnsupported:
        # Without that extension of OpenSSH a rename replaces nothing.
        if await client.exists(path):
            await client.remove(path)
        await client.rename(temporary, path)
