"""Several loops as one role: each in a thread of its own, all of them ending together."""

import logging
import threading
from collections.abc import Callable, Mapping

log = logging.getLogger(__name__)

Loop = Callable[[threading.Event], None]


def run_threads(loops: Mapping[str, Loop], stop: threading.Event) -> None:
    """Run every loop until ``stop`` is set; when one raises or ends early, all stop and the error is raised.

    A role with a dead thread would look alive; as a dead process it is started again.
    """
    failures: list[BaseException] = []

    def run(name: str, loop: Loop) -> None:
        try:
            loop(stop)
            if not stop.is_set():
                raise RuntimeError(f"{name} ended by itself")
        except BaseException as error:  # SystemExit too: that is how a server says it cannot start
            failures.append(error)
            log.error("%s failed: %r", name, error)
        finally:
            stop.set()

    threads = [threading.Thread(target=run, args=item, name=item[0]) for item in loops.items()]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
