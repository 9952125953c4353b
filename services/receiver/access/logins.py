"""Checks passwords outside the doors' event loops, in few threads and with a bounded queue."""

import threading
from concurrent.futures import Future, ThreadPoolExecutor

from quantrac.domain.registry.accounts import Account
from services.receiver.access.gate import Gate, Reason, Refusal

_WORKERS = 2
_RETRY_SECONDS = 10.0

Answer = Account | Refusal


class Logins:
    """Answers logins for every door.

    A remembered password is answered at once. Others wait for one of two threads, so that guessing costs two
    cores at most; when ``max_waiting`` wait already (some 15 s of work), the answer is to try again later.
    """

    def __init__(self, gate: Gate, *, max_waiting: int = 2000) -> None:
        self.gate = gate
        self._room = threading.BoundedSemaphore(max_waiting)
        self._threads = ThreadPoolExecutor(_WORKERS, thread_name_prefix="login")

    def submit(self, name: str, password: str, address: str) -> Future[Answer]:
        """Check a password; the future may be done already."""
        answer: Answer | None = self.gate.login_at_once(name, password, address)
        if answer is None and not self._room.acquire(blocking=False):
            answer = Refusal(Reason.BUSY, _RETRY_SECONDS)
        if answer is not None:
            login: Future[Answer] = Future()
            login.set_result(answer)
            return login
        login = self._threads.submit(self.gate.login, name, password, address)
        login.add_done_callback(lambda _: self._room.release())
        return login

    def close(self) -> None:
        """End the threads; logins that wait are cancelled."""
        self._threads.shutdown(cancel_futures=True)
