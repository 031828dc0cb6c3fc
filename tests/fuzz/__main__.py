"""`python -m tests.fuzz SECONDS`: look at every parser in turn for so long, with other inputs."""

import random
import sys
import time
import traceback

from hypothesis import HealthCheck, given, seed, settings

from tests.fuzz.targets import TARGETS, Target

ROUND = 500


def main(arguments: list[str]) -> int:
    """Fuzz for so many seconds, at least one round; return 1 if something was found."""
    seconds = float(arguments[0]) if arguments else 60.0
    end = time.monotonic() + seconds
    failed: set[str] = set()
    rounds = 0
    while not rounds or (time.monotonic() < end and len(failed) < len(TARGETS)):
        rounds += 1
        for name, target in TARGETS.items():
            if name not in failed and not _round(name, target, random.randrange(2**32)):
                failed.add(name)
    print(f"{rounds} rounds of {ROUND} inputs for each of {len(TARGETS)} parsers")
    return 1 if failed else 0


def _round(name: str, target: Target, seed_: int) -> bool:
    @seed(seed_)
    @settings(
        max_examples=ROUND, deadline=None, database=None, suppress_health_check=list(HealthCheck)
    )
    @given(target.inputs)
    def look(drawn: object) -> None:
        target.check(drawn)

    try:
        look()
    except Exception:
        print(f"{name}: FAILED with seed {seed_}")
        traceback.print_exc(file=sys.stdout)
        return False
    return True


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
