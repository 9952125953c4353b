"""Runs a command that must not outlive the process that started it, even when that one is killed -9.

`tied_command` wraps a command line so that it goes through this file, run as a script with the standard
library only (it starts in some 20 ms). On Linux the kernel is asked to kill the process when its parent
dies, and the command then takes this process over. Elsewhere this process stays in between, and kills
the command at most a second after the parent is gone.
"""

import ctypes
import os
import signal
import subprocess
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h
_COMMAND_NOT_FOUND = 127
_WATCH_INTERVAL_S = 1.0


def tie_command(command: list[str]) -> list[str]:
    """Tie a command line to the life of this process.

    On Linux, to the thread that starts it: that thread must live as long as the command shall.
    """
    return [sys.executable, "-I", "-S", __file__, str(os.getpid()), *command]


def take_over(parent: int, command: list[str]) -> None:
    """Become the command, to be killed by the kernel when the parent dies. Linux only."""
    ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:  # it died before the kernel was asked
        sys.exit(1)
    signal.signal(signal.SIGPIPE, signal.SIG_DFL)  # Python ignores it, and exec would hand that on
    os.execvp(command[0], command)  # noqa: S606 - there is no shell, and none is wanted


def watch_over(parent: int, command: list[str]) -> int:
    """Run the command beside this process, kill it when the parent is gone; gives its exit status."""
    process = subprocess.Popen(command)
    signal.signal(signal.SIGTERM, lambda *_: process.terminate())
    while True:
        try:
            status = process.wait(_WATCH_INTERVAL_S)
        except subprocess.TimeoutExpired:
            if os.getppid() != parent:
                process.kill()
        else:
            return status if status >= 0 else 128 - status


def _main() -> int:
    parent, command = int(sys.argv[1]), sys.argv[2:]
    try:
        if sys.platform != "linux":
            return watch_over(parent, command)
        take_over(parent, command)
    except OSError as error:
        sys.stderr.write(f"{command[0]} could not be started: {error.strerror}\n")
    return _COMMAND_NOT_FOUND


if __name__ == "__main__":
    sys.exit(_main())
