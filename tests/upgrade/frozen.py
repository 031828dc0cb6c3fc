"""Records as a version wrote them: files that are added with a version, and never changed."""

import base64
import gzip
import json
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, NamedTuple

FOLDER = Path(__file__).parent


@dataclass(frozen=True)
class Record:
    """One Kafka record; `text` is its JSON: the value or, where `packed` is the value, a header."""

    topic: str
    key: str
    text: str
    packed: str = ""

    @property
    def value(self) -> bytes:
        """The record's value in Kafka."""
        packed = base64.b64decode(self.packed)
        return gzip.decompress(packed) if packed else self.text.encode()

    @property
    def headers(self) -> list[tuple[str, bytes]]:
        """The record's headers in Kafka."""
        return [("chunk", self.text.encode())] if self.packed else []


class Frozen(NamedTuple):
    """Records of one topic that belong together, and what the processors made of them."""

    name: str
    records: list[Record]
    outcome: dict[str, Any]

    def save(self, folder: Path) -> None:
        """Write the file."""
        said = {"records": [asdict(record) for record in self.records], "outcome": self.outcome}
        text = json.dumps(said, ensure_ascii=False, indent=1)
        (folder / f"{self.name}.json").write_text(text + "\n")


def packed(value: bytes) -> str:
    """The bytes of a chunk as a file holds them."""
    return base64.b64encode(gzip.compress(value, mtime=0)).decode()


def versions() -> list[Path]:
    """The folders of the versions, the oldest first."""
    found = (path for path in FOLDER.iterdir() if path.name[0].isdigit())
    return sorted(found, key=lambda path: [int(part) for part in path.name.split(".")])


def load(path: Path) -> Frozen:
    """What a file holds."""
    said = json.loads(path.read_text())
    return Frozen(path.stem, [Record(**record) for record in said["records"]], said["outcome"])


def load_all() -> list[Frozen]:
    """What the files of all versions hold."""
    return [load(path) for version in versions() for path in sorted(version.glob("*.json"))]


def contains(present: Any, frozen: Any) -> bool:
    """Whether all that was frozen is still said; an object may say more by now."""
    if isinstance(frozen, dict):
        known = isinstance(present, dict) and frozen.keys() <= present.keys()
        return known and all(contains(present[key], value) for key, value in frozen.items())
    if isinstance(frozen, list):
        alike = isinstance(present, list) and len(present) == len(frozen)
        return alike and all(map(contains, present, frozen))
    return bool(present == frozen)
