"""SeaweedFS as a part of the local stack: an S3 server on disk, on the loopback interface."""

import json
import os
import shutil
import sysconfig
from pathlib import Path

import urllib3
from minio import Minio

from deploy.local.errors import LocalError
from deploy.local.part import Part
from deploy.local.ports import LOOPBACK, given_ports, remembered_ports
from deploy.local.process import Process
from schemas.settings import Settings

SERVERS = ("master", "master_grpc", "volume", "volume_grpc", "filer", "filer_grpc", "s3_grpc")
SOCKETS = ("filer.sock", "s3.sock")
# Where SeaweedFS puts the sockets between its own parts, whatever it is told; it leaves them there.
GRPC_SOCKETS = "/tmp/seaweedfs-{}-grpc-{}.sock"  # noqa: S108
IDENTITIES = "identities.json"
PROBE_SECONDS = 2.0
FLUSH_SECONDS = 2.0


class S3(Part):
    """The S3 server of one data folder, with the settings' access key as its only identity."""

    name = "s3"

    def __init__(self, settings: Settings, folder: Path, logs: Path) -> None:
        self._settings = settings
        self._folder = folder
        self.process = Process(self.name, [], logs, cwd=folder)
        self._http = urllib3.PoolManager(timeout=PROBE_SECONDS, retries=False)
        self._client = Minio(
            f"{LOOPBACK}:{settings.s3_port}",
            access_key=settings.s3_access_key,
            secret_key=settings.s3_secret_key,
            region=settings.s3_region,
            secure=False,
            http_client=self._http,
        )
        self._volumes_url = ""
        self._grpc_sockets: list[Path] = []

    def prepare(self) -> None:
        """Write the identities, choose the inner ports, remove what a kill left behind."""
        (self._folder / "data").mkdir(parents=True, exist_ok=True)
        for socket in SOCKETS:
            (self._folder / socket).unlink(missing_ok=True)
        self._write_identities()
        taken = given_ports(self._settings)
        ports = remembered_ports(self._folder / "ports.json", SERVERS, taken)
        self._grpc_sockets = grpc_sockets(ports)
        self._volumes_url = f"http://{LOOPBACK}:{ports['master']}/dir/status"
        self.process.argv = [weed(), *arguments(self._settings.s3_port, ports)]

    def stop(self) -> bool:
        """Stop the server; killing it is part of it.

        Asked to end, SeaweedFS first closes its volumes and then waits for streams between
        its own parts that never end. Acknowledged objects survive a kill anyway.
        """
        self.process.stop(FLUSH_SECONDS)
        for socket in self._grpc_sockets:
            socket.unlink(missing_ok=True)
        return True

    def _write_identities(self) -> None:
        key = {
            "accessKey": self._settings.s3_access_key,
            "secretKey": self._settings.s3_secret_key,
        }
        actions = ["Admin", "Read", "Write", "List", "Tagging"]
        identity = {"name": "callagent", "credentials": [key], "actions": actions}
        file = self._folder / IDENTITIES
        file.touch(mode=0o600)
        file.write_text(json.dumps({"identities": [identity]}))

    def ready(self) -> bool:
        """Whether a signed request is answered and there is a place for objects."""
        try:
            status = self._http.request("GET", self._volumes_url).json()
            self._client.list_buckets()
        except Exception:
            return False
        return int(status["Topology"]["Free"]) > 0


def grpc_sockets(ports: dict[str, int]) -> list[Path]:
    """The sockets that the server makes outside of its folder."""
    names = [name.removesuffix("_grpc") for name in ports if name.endswith("_grpc")]
    return [Path(GRPC_SOCKETS.format(name, ports[f"{name}_grpc"])) for name in names]


def weed() -> str:
    """The program of the wheel.

    Raises:
        LocalError: it is not there.
    """
    scripts = sysconfig.get_path("scripts")
    program = shutil.which("weed", path=os.pathsep.join([scripts, os.environ.get("PATH", "")]))
    if program is None:
        raise LocalError("the program weed is missing; remove .venv and run make again")
    return program


def arguments(s3_port: int, ports: dict[str, int]) -> list[str]:
    """The command line of the server; paths are relative to its folder."""
    options = {
        "ip": LOOPBACK,
        "ip.bind": LOOPBACK,
        "dir": "data",
        "master.port": ports["master"],
        "master.port.grpc": ports["master_grpc"],
        # Alone, it need not wait for the votes of others.
        "master.peers": "none",
        "master.electionTimeout": "1s",
        "master.heartbeatInterval": "100ms",
        "master.telemetry": "false",
        "master.volumeSizeLimitMB": 1024,
        "volume.port": ports["volume"],
        "volume.port.grpc": ports["volume_grpc"],
        "volume.max": 1000,
        "volume.preStopSeconds": 0,
        "filer": "true",
        "filer.port": ports["filer"],
        "filer.port.grpc": ports["filer_grpc"],
        "filer.localSocket": SOCKETS[0],
        "s3": "true",
        "s3.port": s3_port,
        "s3.port.grpc": ports["s3_grpc"],
        "s3.port.iceberg": 0,
        "s3.port.lance": 0,
        "s3.localSocket": SOCKETS[1],
        "s3.config": IDENTITIES,
    }
    # Without the first it keeps log files of its own in the common folder of temporary files.
    return ["-logtostderr=true", "server", *(f"-{name}={value}" for name, value in options.items())]
