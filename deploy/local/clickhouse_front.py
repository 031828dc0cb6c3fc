"""Runs ClickHouse's engine behind its HTTP interface on 127.0.0.1, for the local stack.

`python -m deploy.local.clickhouse_front --path DIR --port N`
"""

import argparse
import signal
import socket
import sys
from contextlib import closing
from pathlib import Path
from typing import Final

import uvicorn

from deploy.local.clickhouse_engine import Engine, FolderInUseError, QueryError
from deploy.local.clickhouse_http import create_app

HOST: Final = "127.0.0.1"


def main() -> None:
    """Serve until SIGTERM or SIGINT, then finish what runs, however long, and exit with 0.

    A port or a folder that is taken ends the process with 1 and one line that names it.
    """
    arguments = _arguments()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: sys.exit(0))
    with closing(_listen(arguments.port)) as listener, closing(_open(arguments.path)) as engine:
        _serve(engine, listener)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="clickhouse_front", description=__doc__)
    parser.add_argument("--path", type=Path, required=True, help="the folder of the data")
    parser.add_argument("--port", type=int, required=True, help=f"the port on {HOST}")
    return parser.parse_args()


def _listen(port: int) -> socket.socket:
    listener = socket.socket()
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen()
    except (OSError, OverflowError) as error:
        sys.exit(f"cannot listen on {HOST}:{port}: {error}")
    return listener


def _open(path: Path) -> Engine:
    try:
        path.mkdir(parents=True, exist_ok=True)
        return Engine(path.resolve())
    except (FolderInUseError, QueryError, OSError) as error:
        sys.exit(f"cannot open the folder {path}: {error}")


def _serve(engine: Engine, listener: socket.socket) -> None:
    config = uvicorn.Config(
        create_app(engine), log_level="error", access_log=False, lifespan="off", server_header=False
    )
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
