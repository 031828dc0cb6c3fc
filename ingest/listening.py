"""Whether a server could listen on a port, asked before one is made: so the error is one line."""

import socket


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
