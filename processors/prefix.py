"""Which offsets of a partition may be committed while uploads with interleaved chunks are open."""

from collections.abc import Hashable
from dataclasses import dataclass, field


@dataclass
class _Group:
    first: int
    last: int
    closed: bool = False


@dataclass
class Prefix:
    """The offsets that were read from one partition, in groups that are done as a whole.

    What may be committed is a contiguous prefix in which every group is whole and closed: a group
    that was cut in two by a commit would be read again without its first chunks.
    """

    _groups: dict[Hashable, _Group] = field(default_factory=dict)

    def add(self, group: Hashable, offset: int) -> None:
        """An offset was read that belongs to a group."""
        known = self._groups.setdefault(group, _Group(offset, offset))
        known.first = min(known.first, offset)
        known.last = max(known.last, offset)

    def close(self, group: Hashable) -> None:
        """A group is done: whatever it has is durable elsewhere."""
        if group in self._groups:
            self._groups[group].closed = True

    def boundary(self) -> int | None:
        """The first offset that may not be committed yet; None where nothing is held back.

        Groups that lie before it are forgotten.
        """
        held = [group for group in self._groups.values() if not group.closed]
        boundary = min((group.first for group in held), default=None)
        while boundary is not None:
            cut = [g.first for g in self._groups.values() if g.first < boundary <= g.last]
            if not cut:
                break
            boundary = min(cut)
        self._groups = {
            name: group
            for name, group in self._groups.items()
            if boundary is not None and group.last >= boundary
        }
        return boundary
