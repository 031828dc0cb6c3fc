"""`python -m deploy.image.run MODULE ARGUMENT…`: a module as a container's first process.

The kernel gives a container's first process no default action for signals: until a program sets a
handler of its own, SIGTERM would do nothing, and the container would be killed when its time is up.
"""

import runpy
import signal
import sys

USAGE = "usage: MODULE ARGUMENT…, such as: ingest, or: processors correlator, or: deploy.migrate"
TERMINATED = 128 + signal.SIGTERM


def main() -> None:
    """Become the module that the arguments name."""
    del sys.argv[0]
    if not sys.argv:
        sys.exit(USAGE)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(TERMINATED))
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
