"""The data folder of a one-machine stack: its layout, its lock and its secrets."""

import fcntl
import json
import os
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from quantrac.io.private_files import write_private
from quantrac.local.errors import LocalError
from quantrac.local.state import StackState, read_state

LAYOUT = 3
"""Version of what the folder holds: names of topics, consumer groups and tables, and the form of messages. 1
had no file that says so, in 2 each reading of a set was an object.
"""


@dataclass(frozen=True, slots=True)
class DataDir:
    """The folder given as `--data`; everything the stack keeps is below it."""

    root: Path

    @property
    def run(self) -> Path:
        """What describes the running stack: lock, state, ports."""
        return self.root / "run"

    @property
    def logs(self) -> Path:
        """One log file a process."""
        return self.root / "logs"

    @property
    def state_file(self) -> Path:
        """What the supervisor says about its processes."""
        return self.run / "state.json"

    @property
    def ports_file(self) -> Path:
        """The ports of the last start."""
        return self.run / "ports.json"

    @property
    def last_configuration(self) -> Path:
        """The configuration as it was at the last start."""
        return self.run / "quantrac.yaml"

    def create(self) -> None:
        """Make the folders, and let nobody but their owner into them.

        Raises LocalError when that is not allowed there, when the folder belongs to another user, and when
        another version of the software has filled it.
        """
        try:
            self.refuse_another_owner()
            for folder in (self.run, self.logs):
                folder.mkdir(parents=True, exist_ok=True)
            self.root.chmod(0o700)
            self._check_layout()
        except OSError as error:
            raise LocalError(f"The data folder {self.root} cannot be made: {error.strerror}.") from error

    def refuse_another_owner(self) -> None:
        """Raise LocalError where the folder exists and belongs to another user.

        What another user can change must neither be believed nor be given a secret.
        """
        if self.root.exists() and self.root.stat().st_uid != os.geteuid():
            raise LocalError(f"The data folder {self.root} belongs to another user; give another folder.")

    def _check_layout(self) -> None:
        file = self.root / "layout"
        if not file.exists() and not self._secrets_file.exists():  # new: the first secret is made after this
            file.write_text(f"{LAYOUT}\n")
        layout = file.read_text().strip() if file.exists() else "1"
        if layout != str(LAYOUT):
            raise LocalError(
                f"The data folder {self.root} has layout {layout} and this version reads layout {LAYOUT}: "
                "start with a new folder, or use the version that filled this one."
            )

    @contextmanager
    def lock(self) -> Iterator[None]:
        """Hold the folder for this process; the lock goes with the process, however that ends.

        Raises LocalError naming the process that holds it.
        """
        self.create()
        with (self.run / "lock").open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                lock.seek(0)
                holder = lock.read().strip() or "unknown"
                raise LocalError(f"{self.root} is in use by process {holder}; stop that one first.") from None
            lock.truncate(0)
            lock.write(str(os.getpid()))
            lock.flush()
            yield

    def read_state(self) -> StackState | None:
        """The state of the stack that runs here, None when none does."""
        self.refuse_another_owner()
        state = read_state(self.state_file)
        return state if state and state.is_running() else None

    def secret(self, name: str, make: Callable[[], str] = lambda: secrets.token_urlsafe(24)) -> str:
        """A secret of this stack: made at random the first time it is asked for, then always the same.

        It stands in `secrets.json`, which only its owner can read.
        """
        secret = self.known_secret(name)
        if secret is None:
            secret = make()
            stored = self._secrets() | {name: secret}
            write_private(self._secrets_file, json.dumps(stored, indent=2) + "\n")
        return secret

    def known_secret(self, name: str) -> str | None:
        """The secret if it has ever been made."""
        return self._secrets().get(name)

    @property
    def _secrets_file(self) -> Path:
        return self.root / "secrets.json"

    def _secrets(self) -> dict[str, str]:
        self.refuse_another_owner()
        file = self._secrets_file
        return read_json(file) if file.exists() else {}


def read_json(file: Path) -> Any:
    """Read a file that the stack wrote; raises LocalError where it is damaged, or FileNotFoundError."""
    try:
        return json.loads(file.read_text(encoding="utf-8"))
    except ValueError as error:
        raise LocalError(f"{file} is damaged: {error}.") from error
