"""`python -m deploy.image.run MODULE ARGUMENT…`: a module as a container's first process.

The kernel gives a container's first process no default action for signals: until a program sets a
handler of its own, SIGTERM would do nothing, and the container would be killed when its time is up.
"""

import runpy
import signal
import sys
from importlib.util import find_spec

USAGE = "usage: MODULE ARGUMENT…, such as: ingest, or: processors correlator, or: deploy.migrate"
TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Become the module that the arguments name."""
    del sys.argv[0]
    if not sys.argv:
        sys.exit(USAGE)
    if not _is_module(sys.argv[0]):
        sys.exit(f"there is no module {sys.argv[0]}; {USAGE}")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _is_module(name: str) -> bool:
    try:
        return find_spec(name) is not None
    except (ImportError, ValueError):
        return False


if __name__ == "__main__":
    main()
