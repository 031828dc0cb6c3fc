"""Kafka's jars: fetched once, checked against the hashes in kafka.sha256, kept in a cache."""

import fcntl
import hashlib
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from deploy.local.console import Say
from deploy.local.errors import LocalError

VERSION = "4.1.2"
# Its own list of what it needs leaves out what joins its logs to log4j. Resolved together, the two
# would come in other versions than Kafka's.
ENDPOINTS = (
    f"org.apache.kafka:kafka_2.13:{VERSION}",
    "org.apache.logging.log4j:log4j-slf4j-impl:2.25.3",
)
HASHES = Path(__file__).with_name("kafka.sha256")
CACHE = Path(__file__).resolve().parents[2] / ".cache"
SAY_EVERY_SECONDS = 2


def kafka_jars(say: Say, cache: Path = CACHE) -> Path:
    """The folder of Kafka's jars, fetched if it is not there yet.

    Several processes may ask at once; one fetches and the others wait. Once fetched, no
    network is needed. An interrupted fetch leaves nothing that counts.

    Raises:
        LocalError: they could not be fetched, or are not those that we know.
    """
    folder = cache / f"kafka-{VERSION}"
    if folder.is_dir():
        return folder
    with locked(cache):
        if not folder.is_dir():
            _fetch(folder, cache / "fetching", say)
    return folder


@contextmanager
def locked(cache: Path) -> Iterator[None]:
    """Within this, no other process changes the cache.

    Raises:
        LocalError: it cannot be written.
    """
    try:
        cache.mkdir(parents=True, exist_ok=True)
        with (cache / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield
    except OSError as error:
        raise LocalError(
            f"{cache} cannot be written: {error}; see to its rights and space"
        ) from error


def _fetch(folder: Path, scratch: Path, say: Say) -> None:
    expected = _expected()
    say(f"fetching Kafka {VERSION}, {len(expected)} jars, 45 MB, once")
    shutil.rmtree(scratch, ignore_errors=True)
    found = _download(scratch, _Progress(say, len(expected)))
    chosen = scratch / "chosen"
    chosen.mkdir()
    for name, digest in expected.items():
        _check(name, found.get(name), digest)
        shutil.copyfile(found[name], chosen / name)
    chosen.rename(folder)
    shutil.rmtree(scratch, ignore_errors=True)


def _expected() -> dict[str, str]:
    pairs = (line.split() for line in HASHES.read_text().splitlines())
    return {name: digest for digest, name in pairs}


def _check(name: str, jar: Path | None, digest: str) -> None:
    if jar is None or hashlib.sha256(jar.read_bytes()).hexdigest() != digest:
        raise LocalError(
            f"the fetched {name} is not the one that {HASHES.name} names;"
            " run it again, and if it stays so, look at what stands between you and Maven Central"
        )


def _download(scratch: Path, progress: "_Progress") -> dict[str, Path]:
    from jgo.constants import MAVEN_CENTRAL_URL
    from jgo.env import EnvironmentBuilder
    from jgo.maven import MavenContext, PythonResolver

    context = MavenContext(
        resolver=PythonResolver(progress_callback=progress),
        repo_cache=scratch / "maven",
        remote_repos={"central": MAVEN_CENTRAL_URL},
    )
    try:
        for endpoint in ENDPOINTS:
            EnvironmentBuilder(context, cache_dir=scratch / "jgo").from_endpoint(endpoint)
    except Exception as error:
        raise LocalError(
            f"Kafka's jars could not be fetched ({type(error).__name__}): the first start needs"
            " the network; connect this computer to it and run the same again"
        ) from error
    return {path.name: path for path in (scratch / "maven").rglob("*.jar")}


class _Progress:
    """Says every other second how many jars and megabytes have come."""

    def __init__(self, say: Say, total: int) -> None:
        self._say = say
        self._total = total
        self._jars = 0
        self._bytes = 0
        self._said = time.monotonic()

    @contextmanager
    def __call__(self, name: str, size: int) -> Iterator[Callable[[int], None]]:
        yield self._add
        self._jars += name.endswith(".jar")
        if self._jars == self._total:
            self._tell()

    def _add(self, count: int) -> None:
        self._bytes += count
        if time.monotonic() - self._said > SAY_EVERY_SECONDS:
            self._tell()

    def _tell(self) -> None:
        self._said = time.monotonic()
        self._say(f"fetched {self._jars} of {self._total} jars, {self._bytes / 1e6:.1f} MB")
