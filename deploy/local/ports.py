"""Ports: which are free, and those that a data folder remembers as its own."""

import json
import random
from collections.abc import Collection, Iterable
from pathlib import Path

from schemas.listening import listen_error
from schemas.settings import Settings

LOOPBACK = "127.0.0.1"
# Below the range from which systems take the ports of outgoing connections, and with room
# for SeaweedFS, which wants none above 55535.
LOWEST, HIGHEST = 20_000, 32_000


def free_port(taken: Collection[int] = ()) -> int:
    """A port on which nobody listens, outside of `taken`."""
    while True:
        port = random.randint(LOWEST, HIGHEST)  # noqa: S311
        if port not in taken and listen_error(port, LOOPBACK) is None:
            return port


def free_ports(count: int) -> list[int]:
    """So many different ports on which nobody listens."""
    ports: list[int] = []
    while len(ports) < count:
        ports.append(free_port(ports))
    return ports


def given_ports(settings: Settings) -> set[int]:
    """Every port that the settings give to somebody."""
    return {value for name, value in vars(settings).items() if name.endswith("_port")}


def remembered_ports(file: Path, names: Iterable[str], taken: Collection[int]) -> dict[str, int]:
    """A port for each name: the one that the file remembers while it is free, else a new one.

    Call it while the servers of these ports are down.
    """
    known = _read(file)
    ports: dict[str, int] = {}
    for name in names:
        used = {*taken, *ports.values()}
        port = known.get(name)
        if port is None or port in used or listen_error(port, LOOPBACK):
            port = free_port(used)
        ports[name] = port
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(json.dumps(ports))
    return ports


def _read(file: Path) -> dict[str, int]:
    try:
        return {str(name): int(port) for name, port in json.loads(file.read_text()).items()}
    except (OSError, ValueError, AttributeError):
        return {}
