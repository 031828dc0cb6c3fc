"""What is looked at before anything starts; each finding is one line with its remedy."""

import fcntl
import os
import shutil
import time
from pathlib import Path
from typing import TextIO

from deploy.local.errors import LocalError
from deploy.local.listening import listener
from deploy.local.ports import LOOPBACK
from ingest.gate import Gate
from schemas.listening import listen_error
from schemas.security import server_context
from schemas.settings import PREFIX, Settings

MIB = 1024 * 1024
LEAST_FREE_BYTES = 1024 * MIB
PORT_PATIENCE_SECONDS = 3.0
SERVERS = ("kafka_port", "clickhouse_port", "s3_port")


def lock_data(settings: Settings) -> TextIO:
    """Take the data folder for this run; it is given back when the file is closed.

    Raises:
        LocalError: another run has it, or it cannot be written.
    """
    folder = Path(settings.data_dir).resolve()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock = (folder / "lock").open("a+")
    except OSError as error:
        raise LocalError(
            f"{PREFIX}DATA_DIR is {folder}, which cannot be written ({error.strerror});"
            " see to its rights and space, or name another folder"
        ) from error
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        lock.seek(0)
        owner = lock.read().strip() or "unknown"
        lock.close()
        raise LocalError(
            f"{PREFIX}DATA_DIR {folder} is in use by another run (process {owner});"
            f" stop that one, or set {PREFIX}DATA_DIR to another folder"
        ) from error
    lock.truncate(0)
    lock.write(f"{os.getpid()}\n")
    lock.flush()
    return lock


def check_ingress(settings: Settings) -> None:
    """See that the ingress would serve with these settings: its tokens, its host, its certificate.

    Raises:
        SettingError: it would not.
    """
    Gate(settings)
    server_context(settings)


def check_ports(settings: Settings, patience: float = PORT_PATIENCE_SECONDS) -> None:
    """See that every port is free; one of a run that was just killed gets some patience.

    Raises:
        LocalError: a port is taken, or given twice.
    """
    given: dict[int, str] = {}
    deadline = time.monotonic() + patience
    for variable, host, port in _listeners(settings):
        if port in given:
            raise LocalError(
                f"{given[port]} and {variable} are both {port}; set one of them to another port"
            )
        given[port] = variable
        _check_port(variable, host, port, deadline)


def _check_port(variable: str, host: str, port: int, deadline: float) -> None:
    error = listen_error(port, host)
    while error and time.monotonic() < deadline:
        time.sleep(0.1)
        error = listen_error(port, host)
    if error:
        raise LocalError(
            f"{variable}: nobody can listen on port {port} of {host} ({error.strerror});"
            f" stop {listener(port) or 'the program that does'}, or set {variable} to a free port"
        )


def _listeners(settings: Settings) -> list[tuple[str, str, int]]:
    elsewhere = {
        "kafka_port": settings.kafka_brokers,
        "clickhouse_port": settings.clickhouse_url,
        "s3_port": settings.s3_url,
    }
    return [
        (
            PREFIX + name.upper(),
            _host_of(name, settings),
            value,
        )
        for name, value in vars(settings).items()
        if name.endswith("_port") and value and not elsewhere.get(name)
    ]


def _host_of(name: str, settings: Settings) -> str:
    if name in SERVERS:
        return LOOPBACK
    return settings.host if name == "ingest_port" else settings.processors_host


def free_bytes(settings: Settings) -> int:
    """How much of the data folder's disk is free."""
    return shutil.disk_usage(settings.data_dir).free


def disk_finding(settings: Settings, free: int) -> str | None:
    """The line about a disk that is (nearly) full; None if there is room."""
    if free >= LEAST_FREE_BYTES:
        return None
    return (
        f"the disk of {PREFIX}DATA_DIR {Path(settings.data_dir).resolve()} has only"
        f" {free // MIB} MiB free; make at least {LEAST_FREE_BYTES // MIB} MiB free,"
        " or name a folder on another disk"
    )


def check_disk(settings: Settings) -> None:
    """See that there is room to work.

    Raises:
        LocalError: there is not.
    """
    finding = disk_finding(settings, free_bytes(settings))
    if finding:
        raise LocalError(finding)
