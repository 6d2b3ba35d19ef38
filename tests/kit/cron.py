"""Random cron expressions with the sets they name, told apart from any parser."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import random

RANGES = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 6))


@dataclass(frozen=True, slots=True)
class Expression:
    """A cron expression and, per field, its values."""

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    days_rule: str | None = None

    @property
    def wild(self) -> bool:
        minute, hour, *_ = self.text.split()
        return minute[0] == "*" or hour[0] == "*"

    def matches(self, minute_of_day: int, day: int, month: int, weekday: int) -> bool:
        """Whether a local minute is named; weekday 0 is Sunday."""
        hour, minute = divmod(minute_of_day, 60)
        if minute not in self.minutes or hour not in self.hours or month not in self.months:
            return False
        _, _, days_text, _, weekdays_text = self.text.split()
        both = "*" in (days_text, weekdays_text) or self.days_rule == "and"
        if both or (self.days_rule is None and "*" in (days_text[0], weekdays_text[0])):
            return day in self.days and weekday in self.weekdays
        return day in self.days or weekday in self.weekdays


def random_expression(chance: random.Random, *, dense: bool = False) -> Expression:
    """An expression that comes at least once in some years; a dense one comes on most days."""
    fields = [_field(chance, *span, star=0.2) for span in RANGES[:2]]
    fields.append(_field(chance, *RANGES[2], star=0.9 if dense else 0.6, plain=True, top=28))
    fields.append(_field(chance, *RANGES[3], star=0.95 if dense else 0.6, plain=True))
    fields.append(_field(chance, *RANGES[4], star=0.8 if dense else 0.6, plain=True))
    texts, values = zip(*fields, strict=True)
    return Expression(" ".join(texts), *values)


def _field(
    chance: random.Random, low: int, high: int, *, star: float, plain: bool = False, top: int | None = None
) -> tuple[str, frozenset[int]]:
    every = frozenset(range(low, high + 1))
    if chance.random() < star:
        return "*", every
    form = chance.choice(
        ["value", "list", "range", "step"] if plain else ["value", "list", "range", "step", "star"]
    )
    limit = high if top is None else top
    if form == "value":
        value = chance.randint(low, limit)
        return str(value), frozenset([value])
    if form == "list":
        values = sorted(chance.sample(range(low, limit + 1), 3))
        return ",".join(map(str, values)), frozenset(values)
    if form == "star":
        step = chance.randint(2, (high - low) // 2)
        return f"*/{step}", frozenset(range(low, high + 1, step))
    begin = chance.randint(low, limit - 2)
    end = chance.randint(begin + 1, limit - (begin == low))
    step = chance.randint(2, end - begin) if form == "step" and end - begin >= 2 else 1
    text = f"{begin}-{end}" + (f"/{step}" if step > 1 else "")
    return text, frozenset(range(begin, end + 1, step))
