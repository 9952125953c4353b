"""The jars of Apache Kafka: fetched once, then checked against the lock file at every start.

`python -m quantrac.local.jars` fetches what is missing; with `--lock` it resolves the dependencies of
`_ROOTS` anew and rewrites the lock file, whose lines are `sha256  group:artifact:version`.
"""

import argparse
import hashlib
import os
import ssl
import tempfile
import time
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from quantrac.local.errors import LocalError

KAFKA_VERSION = "4.2.0"
LOCK_FILE = Path(__file__).with_name(f"kafka-{KAFKA_VERSION}.lock")

_ROOTS = (
    f"org.apache.kafka:kafka_2.13:{KAFKA_VERSION}",
    # The broker's own dependencies stop at the slf4j interface: without a binding it logs nothing.
    # "!" keeps the versions this one manages (of kafka-clients, too) away from the broker.
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3!",
)
_PARALLEL_DOWNLOADS = 8
_DOWNLOAD_TIMEOUT_S = 30
_DOWNLOAD_TRIES = 3
_DOWNLOAD_PAUSE_S = 2.0


@dataclass(frozen=True, slots=True)
class Jar:
    """One locked jar: its Maven coordinate `group:artifact:version` and the SHA-256 of its bytes."""

    coordinate: str
    sha256: str

    @property
    def name(self) -> str:
        """File name, as Maven forms it."""
        _, artifact, version = self.coordinate.split(":")
        return f"{artifact}-{version}.jar"


def cache_folder() -> Path:
    """Where the jars are kept: `$XDG_CACHE_HOME/quantrac/kafka-VERSION`, or the same under `~/.cache`."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "quantrac" / f"kafka-{KAFKA_VERSION}"


def read_lock(path: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """Read the lock file into its jars, in the order of the file."""
    lines = (line.split() for line in path.read_text().splitlines())
    return tuple(Jar(coordinate, sha256) for sha256, coordinate in lines)


def ensure_jars(folder: Path | None = None, jars: tuple[Jar, ...] | None = None) -> tuple[Path, ...]:
    """Give the paths of the locked jars; fetch the missing ones, refuse a wrong one.

    With every jar in place no network is needed. Two processes may fetch at once: each downloads into
    a folder of its own and moves whole, checked files into place.

    Raises LocalError naming the jar that differs from the lock file or cannot be fetched.
    """
    folder = folder or cache_folder()
    jars = jars or read_lock()
    fetch([jar for jar in jars if not (folder / jar.name).exists()], folder)
    return tuple(_check(folder / jar.name, jar) for jar in jars)


def fetch(jars: Iterable[Jar], folder: Path) -> None:
    """Download these jars into the folder; each appears there only whole and with the locked hash."""
    jars = list(jars)
    if not jars:
        return
    folder.mkdir(parents=True, exist_ok=True)
    # The downloader trusts its own list of authorities; a network with one of its own has it in the system's.
    if authorities := ssl.get_default_verify_paths().cafile:
        os.environ.setdefault("REQUESTS_CA_BUNDLE", authorities)
    with tempfile.TemporaryDirectory(prefix=".fetch-", dir=folder) as temporary:
        with ThreadPoolExecutor(_PARALLEL_DOWNLOADS) as pool:
            downloads = list(pool.map(lambda jar: _download(jar, Path(temporary)), jars))
        for jar, download in zip(jars, downloads, strict=True):
            _check(download, jar).replace(folder / jar.name)


def _check(path: Path, jar: Jar) -> Path:
    if _sha256(path) != jar.sha256:
        raise LocalError(f"{path} is not the {jar.name} of {LOCK_FILE.name}; delete it and start again.")
    return path


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _download(jar: Jar, repository: Path) -> Path:
    try:
        from jgo.maven import MavenContext
    except ImportError as error:
        raise LocalError(
            f"{jar.name} is missing; install the extra `quantrac[local]` to fetch it."
        ) from error
    group, artifact, version = jar.coordinate.split(":")
    maven = MavenContext(repo_cache=repository, timeout=_DOWNLOAD_TIMEOUT_S)
    for left in reversed(range(_DOWNLOAD_TRIES)):
        try:
            return Path(maven.project(group, artifact).at_version(version).artifact().resolve())
        except (OSError, RuntimeError) as error:
            if not left:
                raise LocalError(
                    f"{jar.name} could not be fetched ({type(error).__name__}); connect to the network "
                    f"once, or copy the jars of another machine into {cache_folder()}."
                ) from error
            time.sleep(_DOWNLOAD_PAUSE_S)
    raise AssertionError("the last try returns or raises")


def write_lock(path: Path = LOCK_FILE) -> tuple[Jar, ...]:
    """Walk the dependency graph of the roots, hash every jar that running them needs, write the lock file."""
    import jgo

    artifacts = {f"{a.groupId}:{a.artifactId}:{a.version}": a for a in jgo.resolve("+".join(_ROOTS))}
    jars = tuple(Jar(name, _sha256(Path(artifacts[name].resolve()))) for name in sorted(artifacts))
    path.write_text("".join(f"{jar.sha256}  {jar.coordinate}\n" for jar in jars))
    return jars


def main() -> None:
    """Fetch the jars, or rewrite the lock file."""
    parser = argparse.ArgumentParser(prog="python -m quantrac.local.jars", description=__doc__)
    parser.add_argument(
        "--lock", action="store_true", help="resolve the dependencies and rewrite the lock file"
    )
    if parser.parse_args().lock:
        write_lock()
    try:
        ensure_jars()
    except LocalError as error:
        raise SystemExit(str(error)) from error


if __name__ == "__main__":
    main()
