"""Two thousand loggers in one process, as light as they can be; prints what they saw as one line of JSON.

``python loggers.py {ftp|sftp|idle} PORT ROUND`` lets every station of the made-up country send its file of
one round; ``idle`` logs in, says so, and stays until its input ends.
"""

import argparse
import asyncio
import json
import random
import socket
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import asdict, dataclass
from itertools import islice

import asyncssh
from country import raw_files, stations

from quantrac.io.open_files import allow_open_files
from quantrac.io.records import Record
from quantrac.local.ports import LOOPBACK

PASSWORD = "benchmark"
LONGEST_RUN_S, LONGEST_SESSION_S = 120.0, 90.0
APART_S = 0.003
"""Between the first connections: vsftpd lets 32 wait, and those that it forgets would wait for ever."""


@dataclass(frozen=True)
class File:
    """What one logger sends."""

    account: str
    name: str
    content: bytes


@dataclass(frozen=True)
class Sent:
    """When a file's last byte was sent, and when the answer came (monotonic, s)."""

    last_byte: float
    answered: float


@dataclass(frozen=True)
class Outcome:
    """What all loggers saw."""

    answered: int
    seconds: float
    """From the first connection to the last answer."""
    slowest_s: float
    """Longest wait for an answer after a file's last byte."""
    cpu_s: float
    """Of this process."""
    failures: list[str]
    """Some of them."""


Send = Callable[[int, File], Awaitable[Sent]]


def files_of(round_: int, count: int) -> list[Record]:
    """Return one round of the country's files, one a station."""
    made = raw_files("", (round_ + 1) * count, stations(count))
    return list(islice(made, round_ * count, None))


def load(round_: int, count: int, login: str, into: str) -> Iterator[File]:
    """Yield what is to be sent; ``login`` stands for every station's own account, ``into`` is a folder."""
    for record in files_of(round_, count):
        account = login or record.headers["account"].decode()
        yield File(account, into + record.headers["name"].decode(), record.value or b"")


class Control(asyncio.Protocol):
    """A control connection: one command, one reply."""

    def __init__(self) -> None:
        self._received = b""
        self._replies = asyncio.Queue[str]()
        self.transport: asyncio.Transport

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport

    def data_received(self, data: bytes) -> None:
        *lines, self._received = (self._received + data).split(b"\r\n")
        for line in lines:
            if line[3:4] == b" ":  # a reply's last line; those before it have a dash
                self._replies.put_nowait(line.decode())

    def connection_lost(self, exc: Exception | None) -> None:
        self._replies.put_nowait(f"connection lost: {exc}")

    async def reply(self, wanted: str) -> str:
        """Return a reply whose code begins so."""
        reply = await self._replies.get()
        if not reply.startswith(wanted):
            raise ConnectionError(reply)
        return reply

    async def ask(self, command: str, wanted: str) -> str:
        self.transport.write(f"{command}\r\n".encode())
        return await self.reply(wanted)


async def log_in(port: int, account: str) -> Control:
    loop = asyncio.get_running_loop()
    _, control = await loop.create_connection(Control, LOOPBACK, port)
    await control.reply("220")
    await control.ask(f"USER {account}", "331")
    await control.ask(f"PASS {PASSWORD}", "230")
    return control


async def send_by_ftp(port: int, file: File) -> Sent:
    control = await log_in(port, file.account)
    try:
        await control.ask("TYPE I", "200")
        answer = await control.ask("EPSV", "229")
        # Blocking: over loopback neither connecting nor so few bytes wait for the other side.
        data = socket.create_connection((LOOPBACK, int(answer.split("|")[3])), 5)
        with data:
            await control.ask(f"STOR {file.name}", "1")
            data.sendall(file.content)
        last_byte = time.monotonic()
        await control.reply("226")
        sent = Sent(last_byte, time.monotonic())
        await control.ask("QUIT", "221")
    finally:
        control.transport.close()
    return sent


async def send_by_sftp(port: int, file: File) -> Sent:
    connection = asyncssh.connect(
        LOOPBACK,
        port,
        username=file.account,
        password=PASSWORD,
        known_hosts=None,
        client_keys=None,
        agent_path=None,
        config=None,
        compression_algs=["none"],
    )
    async with connection as ssh, ssh.start_sftp_client() as sftp:
        remote = await sftp.open(file.name, "wb")
        await remote.write(file.content)
        last_byte = time.monotonic()
        await remote.close()
        return Sent(last_byte, time.monotonic())


async def run(send: Send, port: int, files: list[File], within: float, parallel: int) -> Outcome:
    """Let every logger send, at a moment of its own ``within`` so many seconds or as soon as it may."""
    moments = random.Random(1)  # the same ones every time
    room, found, failures = asyncio.Semaphore(parallel), list[Sent](), list[str]()
    start, cpu = time.monotonic(), time.process_time()

    async def one(file: File, moment: float) -> None:
        await asyncio.sleep(moment)
        async with room:
            try:
                async with asyncio.timeout(LONGEST_SESSION_S):
                    found.append(await send(port, file))
            except (OSError, asyncssh.Error) as error:  # a timeout is an OSError too
                failures.append(f"{file.account}: {error!r}")

    async with asyncio.timeout(LONGEST_RUN_S), asyncio.TaskGroup() as group:
        for number, file in enumerate(files):
            moment = moments.uniform(0, within) if within else min(number, parallel) * APART_S
            group.create_task(one(file, moment))
    return Outcome(
        answered=len(found),
        seconds=max((sent.answered for sent in found), default=start) - start,
        slowest_s=max((sent.answered - sent.last_byte for sent in found), default=0.0),
        cpu_s=time.process_time() - cpu,
        failures=failures[:3],
    )


async def idle(port: int, files: list[File]) -> None:
    """Log everybody in, say so, and stay until the input ends."""
    async with asyncio.timeout(LONGEST_RUN_S):
        open_ = [await log_in(port, file.account) for file in files]
    print(len(open_), flush=True)
    async with asyncio.timeout(LONGEST_RUN_S):
        await asyncio.to_thread(sys.stdin.read)
    for control in open_:
        control.transport.abort()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("kind", choices=("ftp", "sftp", "idle"))
    parser.add_argument("port", type=int)
    parser.add_argument("round", type=int)
    parser.add_argument("--count", type=int, default=2_000)
    parser.add_argument("--within", type=float, default=0.0, help="seconds")
    parser.add_argument("--parallel", type=int, default=10_000)
    parser.add_argument("--login", default="", help="one account for all, instead of each its own")
    parser.add_argument("--into", default="", help="folder to send to")
    given = parser.parse_args()
    allow_open_files(2 * given.count + 100)
    files = list(load(given.round, given.count, given.login, given.into))
    if given.kind == "idle":
        asyncio.run(idle(given.port, files))
        return
    send = send_by_ftp if given.kind == "ftp" else send_by_sftp
    print(json.dumps(asdict(asyncio.run(run(send, given.port, files, given.within, given.parallel)))))


if __name__ == "__main__":
    main()
