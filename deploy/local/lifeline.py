"""Runs a program that the kernel kills when our process dies: `lifeline.py PARENT_PID PROGRAM …`.

It becomes the program (exec), so its pid is the program's pid. Only Linux has the means;
elsewhere it just becomes the program.
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, argv: list[str]) -> None:
    """Become the program, or end at once if the parent is gone already."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit("the parent ended before the program could start")
    os.execvp(argv[0], argv)  # noqa: S606


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
