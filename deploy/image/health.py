"""`python -m deploy.image.health [/readyz]`: whether the process of this container is well."""

import http.client
import sys
from contextlib import suppress

from deploy.image import pages
from schemas.settings import SettingError, Settings, load


def well(settings: Settings, path: str) -> bool:
    """Whether one of our processes answers 200 here."""
    for port in pages.ports(settings):
        with suppress(OSError, http.client.HTTPException):
            if pages.get(settings, port, path)[0] == 200:
                return True
    return False


def main() -> int:
    """0 if it is well, else 1."""
    try:
        settings = load()
    except SettingError as error:
        print(error, file=sys.stderr)
        return 1
    return 0 if well(settings, sys.argv[1] if len(sys.argv) > 1 else "/healthz") else 1


if __name__ == "__main__":
    sys.exit(main())
