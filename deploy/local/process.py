"""A child process: its start, its log file, its end."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import IO

LIFELINE = Path(__file__).with_name("lifeline.py")
LOG_LIMIT_BYTES = 8 * 1024 * 1024
TAIL_BYTES = 16 * 1024
REASON_LENGTH = 300

# The kernel ends a child when the *thread* that started it ends (see lifeline.py), so all
# children are started by one thread that lives as long as we do.
_starter = ThreadPoolExecutor(1, thread_name_prefix="starter")


class Process:
    """One program that can be started, stopped and started again.

    It has a session of its own, so the terminal's Ctrl-C does not reach it, and on Linux it
    never outlives this process, not even after kill -9. All methods may be called from any
    thread, by one at a time.
    """

    def __init__(
        self,
        name: str,
        argv: Sequence[str],
        logs: Path,
        env: Mapping[str, str] | None = None,
        cwd: Path | None = None,
    ) -> None:
        self.name = name
        self.argv = list(argv)
        self.env = None if env is None else dict(env)
        self.cwd = cwd
        self.log = logs / f"{name}.log"
        self._popen: subprocess.Popen[bytes] | None = None
        self._log_start = 0

    def start(self) -> None:
        """Start the program; its output is appended to the log.

        Raises:
            OSError: the log file cannot be written.
        """
        if self.running:
            return
        self.log.parent.mkdir(parents=True, exist_ok=True)
        self._rotate()
        with self.log.open("ab") as out:
            self._log_start = out.tell()
            _starter.submit(self._spawn, out).result()

    def _spawn(self, out: IO[bytes]) -> None:
        lifeline = [sys.executable, "-I", "-S", str(LIFELINE), str(os.getpid())]
        self._popen = subprocess.Popen(
            lifeline + self.argv,
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.STDOUT,
            env=self.env,
            cwd=self.cwd,
            start_new_session=True,
        )

    def _rotate(self) -> None:
        if self.log.exists() and self.log.stat().st_size > LOG_LIMIT_BYTES:
            self.log.replace(self.log.with_name(self.log.name + ".1"))

    @property
    def pid(self) -> int | None:
        """The pid of the program's last start."""
        return self._popen.pid if self._popen else None

    @property
    def running(self) -> bool:
        """Whether the program was started and has not ended."""
        return self._popen is not None and self._popen.poll() is None

    @property
    def exit_code(self) -> int | None:
        """How the program ended (negative: the signal), None while it runs."""
        return self._popen.poll() if self._popen else None

    @property
    def killed(self) -> bool:
        """Whether a signal ended the program, so that its log cannot tell why."""
        return (self.exit_code or 0) < 0

    def terminate(self) -> None:
        """Ask the program to end, without waiting for it."""
        if self.running and self._popen:
            self._popen.terminate()

    def kill(self) -> None:
        """End the program as kill -9 does."""
        if self._popen:
            self._popen.kill()
            self._popen.wait()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end of the program; False if it still runs after so many seconds."""
        try:
            if self._popen:
                self._popen.wait(seconds)
        except subprocess.TimeoutExpired:
            return False
        return True

    def stop(self, seconds: float) -> bool:
        """Ask the program to end, kill it after so many seconds; False if it had to be killed."""
        self.terminate()
        if self.wait(seconds):
            return True
        self.kill()
        return False

    def reason(self) -> str:
        """The last line of output since the start that tells something, or how it ended."""
        lines = self._tail().splitlines()
        told = [line for line in lines if line.strip() and not line[0].isspace()]
        return told[-1].strip()[:REASON_LENGTH] if told else self.ending()

    def _tail(self) -> str:
        try:
            with self.log.open("rb") as log:
                end = log.seek(0, os.SEEK_END)
                log.seek(max(self._log_start, end - TAIL_BYTES))
                return log.read().decode("utf-8", "replace")
        except OSError:
            return ""

    def ending(self) -> str:
        """How the program ended, in words."""
        code = self.exit_code
        if code is None:
            return "still running"
        if code >= 0:
            return f"exit code {code}"
        return f"killed by {signal.Signals(-code).name}"
