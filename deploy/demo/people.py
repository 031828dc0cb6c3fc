"""The people of the demo: employees with their phones, and those whom they call."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import tzinfo
from random import Random

from deploy.demo.phone import ARABIC_DIGITS, ASCII_DIGITS

ACCOUNTS = ("demo1", "demo Ромашка")
"""Of the demo alone, so that its calls are never among those of real accounts."""

_CONTACTS = (
    "Иванов Пётр",
    "Мария Степановна",
    'ООО "Рога и копыта"',
    "Склад №2",
    "Доставка + сборка",
    "Кузнецова А. В.",
    "Сервис; ремонт",
    "Бухгалтерия 100%",
    "Gästehaus Müller",
    "Анна (оптовый отдел)",
    "Смирнов Олег",
    "Такси",
)
_FOREIGN = ("+447700900123", "+12025550143", "+447700900456")


@dataclass(frozen=True)
class Contact:
    """Somebody who calls or is called, with the number in E.164 and the name, if known."""

    name: str
    e164: str

    def spelled(self, rng: Random) -> str:
        """The number in one of the ways that networks and people write it."""
        if not self.e164.startswith("+7"):
            return rng.choice((self.e164, "00" + self.e164[1:]))
        rest = self.e164[2:]
        grouped = f"{rest[:3]} {rest[3:6]}-{rest[6:8]}-{rest[8:]}"
        return rng.choice(
            (
                self.e164,
                self.e164,
                "8" + rest,
                "7" + rest,
                f"8 ({rest[:3]}) {grouped[4:]}",
                f"\u202d+7 {grouped}\u202c",
            )
        )


@dataclass(frozen=True)
class Employee:
    """One employee's phone: its settings, its locale, and the recorder that it has, if any."""

    account_id: str
    mobile: str
    zone: tzinfo
    recorder: str
    base_suffix: str = ""
    bare: bool = False
    digits: str = ASCII_DIGITS


def employees(count: int, zone_of: Callable[[str], tzinfo]) -> list[Employee]:
    """The first `count` employees, by turns of either account; `zone_of` knows an account's zone.

    Every few phones have something of their own: bare paths, a base with a final slash, Arabic
    digits, a number with a plus, no recorder.
    """
    return [_employee(index, zone_of) for index in range(count)]


def _employee(index: int, zone_of: Callable[[str], tzinfo]) -> Employee:
    account_id = ACCOUNTS[index % 2]
    prefix = "+7" if index % 8 == 2 else "8"
    return Employee(
        account_id=account_id,
        mobile=f"{prefix}900555{index:04d}",
        zone=zone_of(account_id),
        recorder=("amr", "wav", "amr", "")[index % 4],
        base_suffix="/" if index % 6 == 5 else "",
        bare=index % 7 == 3,
        digits=ARABIC_DIGITS if index % 10 == 6 else ASCII_DIGITS,
    )


def contact(rng: Random) -> Contact:
    """Somebody: mostly out of the phone book, sometimes from abroad or without a name."""
    draw = rng.random()
    if draw < 0.6:
        index = rng.randrange(len(_CONTACTS))
        return Contact(_CONTACTS[index], f"+7900000{1000 + 37 * index}")
    if draw < 0.7:
        return Contact("", rng.choice(_FOREIGN))
    return Contact("", f"+7900000{rng.randrange(2000, 10000)}")
