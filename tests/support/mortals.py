"""A broker and roles that are killed -9 and started again in the same place."""

import os
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Mapping
from pathlib import Path

from quantrac.local.broker import Broker, answers, broker_command, broker_environment
from quantrac.local.child import tie_command
from quantrac.local.ports import LOOPBACK, choose_ports, free_port
from support.waiting import LIMIT, wait_until


class MortalBroker:
    """A broker of the test's own; once it is made it answers."""

    def __init__(self, folder: Path) -> None:
        ports = choose_ports({"broker": 0, "controller": 0})
        self._broker = Broker(folder, ports["broker"], ports["controller"], "secret")
        self.connection = self._broker.connection
        self.start()

    def start(self) -> None:
        """Start, and wait until it answers."""
        command = tie_command(broker_command(self._broker))
        self._process = subprocess.Popen(
            command, env=os.environ | broker_environment(), stdout=subprocess.DEVNULL
        )
        wait_until(lambda: answers(self.connection), "an answer of the broker")

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()


class MortalRole:
    """A role of a service as a process, with a health endpoint of its own."""

    def __init__(self, service: str, role: str, environment: Mapping[str, str], log: Path) -> None:
        """What it writes goes to the end of ``log``."""
        self._command = tie_command([sys.executable, "-m", f"services.{service}", role])
        self._health_port = free_port()
        self._environment = {
            **os.environ,
            **environment,
            "QUANTRAC_HEALTH_PORT": str(self._health_port),
        }
        self.log = log
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start, and wait for nothing."""
        with self.log.open("ab") as output:
            self._process = subprocess.Popen(
                self._command, env=self._environment, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def has_ended(self) -> bool:
        """Whether its process is over, by a kill or by itself."""
        return self._process is None or self._process.poll() is not None

    @property
    def is_ready(self) -> bool:
        """Whether its health endpoint says that it can work."""
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self._health_port}/health/ready", timeout=LIMIT):
                return True
        except OSError:
            return False

    def kill(self) -> None:
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        """Ask it to end, and wait until it has."""
        self._end(signal.SIGTERM)

    def _end(self, how: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(how)
            self._process.wait(LIMIT)
