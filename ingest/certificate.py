"""The certificate of HTTPS, which is replaced every few months while phones are served."""

import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path

from ingest.watched import Watched
from schemas.security import server_context
from schemas.settings import SettingError, Settings

log = logging.getLogger(__name__)


class Certificate:
    """What new connections are served with: read again when the files have changed.

    Files that cannot be used change nothing: the certificate before stays.
    """

    def __init__(self, settings: Settings, clock: Callable[[], float] = time.monotonic) -> None:
        """Read the files, which the settings name; raises `SettingError`."""
        files = {settings.tls_cert_file, settings.tls_key_file} - {""}
        self._settings = settings
        self._watched = Watched(*map(Path, files), clock=clock)
        self._context = self._read()

    @property
    def context(self) -> ssl.SSLContext:
        """What the next connection is to be served with."""
        if self._watched.changed():
            try:
                self._context = self._read()
            except SettingError as error:
                log.error("%s; the certificate before stays in use", str(error))
            else:
                log.info("the certificate has changed")
        return self._context

    def _read(self) -> ssl.SSLContext:
        context = server_context(self._settings)
        assert context is not None
        return context
