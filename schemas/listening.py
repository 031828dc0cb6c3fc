"""Whether a server could listen on a port, asked before one is made: so the error is one line."""

import errno
import socket

from schemas.settings import PREFIX, Settings

PORT_TAKEN = 1
"""The exit code of a process that cannot listen: unlike a wrong setting, it may pass by itself."""
OF_PORTS = {
    errno.EADDRINUSE: "stop the program that does, or set it to a free port",
    errno.EACCES: "set it to a port above 1023",
}
"""What to do about errors that are the port's fault, and not the address's."""


def listen_error(port: int, host: str) -> OSError | None:
    """Why nobody can listen on this port of an address now; None if one can."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        with socket.socket(family, socket.SOCK_STREAM) as listener:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(1)
    except OSError as error:
        return error
    return None


def cannot_listen(settings: Settings, port_name: str, host_name: str) -> str:
    """The line that says why nobody can listen where these two settings say; empty: one can."""
    port, host = getattr(settings, port_name), getattr(settings, host_name)
    error = listen_error(port, host)
    if error is None:
        return ""
    remedy = OF_PORTS.get(error.errno or 0, "set it to an address of this computer")
    name = port_name if error.errno in OF_PORTS else host_name
    return (
        f"{PREFIX}{name.upper()}: nobody can listen on port {port} of {host} ({error.strerror});"
        f" {remedy}"
    )
