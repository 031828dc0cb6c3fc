"""The plan of an hour of calls: who calls whom, when, and what goes wrong on the way."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from uuid import UUID

from deploy.demo import audio
from deploy.demo.people import Contact, Employee, contact

HOUR_SECONDS = 3600
MIN_SLOT_SECONDS = 20
WAV_SECONDS = 60

_HIDDEN = (None, "", "-1")
_LOSSES = (
    {"START"},
    {"ANSWER"},
    {"END"},
    {"calldata"},
    {"ANSWER", "calldata"},
    {"END", "calldata"},
)
_FOLDERS = {
    "amr": "/storage/emulated/0/MIUI/sound_recorder/call_rec/",
    "wav": "/storage/emulated/0/Music/Recordings/Call Recordings/",
}


@dataclass(frozen=True)
class Recording:
    """A recorder's file; with `cut` the first upload finds it half written."""

    path: str
    seconds: int
    seed: int
    cut: bool

    @property
    def body(self) -> bytes:
        """The whole file."""
        if self.path.endswith(".wav"):
            return audio.wav(min(self.seconds, WAV_SECONDS), self.seed)
        return audio.amr(self.seconds, self.seed)


@dataclass(frozen=True)
class PlannedCall:
    """One call and how its fragments travel.

    `ring_at` is the dial of an outgoing call. Without `end_at` a second call has taken the
    phone over, and nothing more is sent of this one. `end_lag` is by how many seconds the END
    event is stamped after the calldata. Fragments in `lost` are never sent, those in `repeated`
    twice; the recording is sent again, with the calldata, `retries` times.
    """

    employee: Employee
    uuid: str
    direction: str
    number: str | None
    later_number: str | None
    ring_at: datetime
    answer_at: datetime | None
    end_at: datetime | None
    end_lag: int
    lost: frozenset[str]
    repeated: frozenset[str]
    recording: Recording | None
    retries: int
    seed: int


def plan(
    employees: Sequence[Employee], calls: int, until: datetime, seed: int, run: str
) -> list[PlannedCall]:
    """`calls` calls of the hour before `until`, in order of time.

    The same arguments give the same plan; another `run` gives it with other uuids.
    """
    rng, ids = Random(seed), Random(run)  # noqa: S311
    weights = [rng.uniform(0.5, 1.5) for _ in employees]
    counts = Counter(rng.choices(employees, weights, k=calls))
    until = until.replace(microsecond=0)
    hours = [_hour(rng, ids, employee, counts[employee], until) for employee in employees]
    return sorted((call for hour in hours for call in hour), key=lambda call: call.ring_at)


def _hour(
    rng: Random, ids: Random, employee: Employee, count: int, until: datetime
) -> list[PlannedCall]:
    slot = max(MIN_SLOT_SECONDS, HOUR_SECONDS // max(1, count))
    calls: list[PlannedCall] = []
    for left in range(count, 0, -1):
        begin = until - timedelta(seconds=slot * left)
        call = _call(rng, ids, employee, begin, slot)
        if calls and rng.random() < 0.05 and _long(calls[-1]):
            calls[-1], call = _second_call(calls[-1], call)
        calls.append(call)
    return calls


def _call(rng: Random, ids: Random, employee: Employee, begin: datetime, slot: int) -> PlannedCall:
    kind = rng.choices(("answered", "missed", "outgoing"), (45, 17, 38))[0]
    ring = min(rng.randint(3, 28), slot // 3)
    talk = min(3 + int(rng.lognormvariate(4.2, 0.9)), slot - ring - 3) if kind != "missed" else 0
    start = begin + timedelta(seconds=rng.randrange(slot - ring - talk - 1))
    answer = start + timedelta(seconds=ring) if kind == "answered" else None
    other = contact(rng)
    hidden = kind != "outgoing" and rng.random() < 0.07
    call = PlannedCall(
        employee=employee,
        uuid=str(UUID(int=ids.getrandbits(128), version=4)),
        direction="outgoing" if kind == "outgoing" else "incoming",
        number=rng.choice(_HIDDEN) if hidden else other.spelled(rng),
        later_number=rng.choice(_HIDDEN) if hidden else other.spelled(rng),
        ring_at=start,
        answer_at=answer,
        end_at=start + timedelta(seconds=ring + talk),
        end_lag=rng.randint(0, 1),
        lost=_lost(rng, kind),
        repeated=frozenset(
            name for name in ("START", "ANSWER", "END", "calldata") if rng.random() < 0.04
        ),
        recording=None,
        retries=0,
        seed=rng.getrandbits(32),
    )
    return _recorded(rng, call, Contact("", "") if hidden else other, talk)


def _lost(rng: Random, kind: str) -> frozenset[str]:
    if rng.random() > 0.1:
        return frozenset()
    choice = rng.choice(_LOSSES)
    return frozenset(choice if kind == "answered" else choice - {"ANSWER"})


def _recorded(rng: Random, call: PlannedCall, other: Contact, talk: int) -> PlannedCall:
    switched_off = {"END", "calldata"} <= call.lost
    if talk < 3 or not call.employee.recorder or switched_off:
        return call
    local = call.ring_at.astimezone(call.employee.zone)
    digits = other.e164.replace("+", "00")
    name = f"{other.name}({digits})_{local:%Y%m%d%H%M%S}.{call.employee.recorder}"
    path = _FOLDERS[call.employee.recorder] + name
    retries = 2 if rng.random() < 0.12 else 0
    cut = retries > 0 and rng.random() < 0.5
    recording = Recording(path, talk, rng.getrandbits(32), cut)
    if '"' in name:
        call = replace(call, lost=frozenset(), end_lag=0)
    return replace(call, recording=recording, retries=retries)


def _long(call: PlannedCall) -> bool:
    if call.answer_at is None or call.end_at is None or call.lost:
        return False
    return call.end_at - call.answer_at > timedelta(seconds=30)


def _second_call(first: PlannedCall, second: PlannedCall) -> tuple[PlannedCall, PlannedCall]:
    """The second call rings within the first, is refused, and takes over the first one's end."""
    assert first.answer_at is not None
    ring = first.answer_at + timedelta(seconds=10)
    taken = replace(
        second,
        direction="incoming",
        ring_at=ring,
        answer_at=ring + timedelta(seconds=5),
        end_at=first.end_at,
        end_lag=0,
        lost=frozenset(),
        recording=first.recording,
        retries=first.retries,
    )
    return replace(first, end_at=None, recording=None, retries=0), taken
