"""`python -m deploy.manifests.strimzi`: Strimzi's classes of its resources, from Maven Central."""

import sys
from pathlib import Path

from deploy.manifests.go_tool import BIN

VERSION = "0.49.1"
ENDPOINT = f"io.strimzi:api:{VERSION}"
FOLDER = BIN.parent / f"strimzi-{VERSION}"


def jars() -> list[Path]:
    """The jars, if they were fetched."""
    return sorted(FOLDER.rglob("*.jar"))


def main() -> int:
    """Fetch them, if need be (a minute, once), and say where they are."""
    import jgo

    try:
        jgo.build(ENDPOINT, cache_dir=FOLDER)
    except Exception as error:
        print(f"{ENDPOINT} could not be fetched ({type(error).__name__})", file=sys.stderr)
        return 1
    print(FOLDER)
    return 0


if __name__ == "__main__":
    sys.exit(main())
