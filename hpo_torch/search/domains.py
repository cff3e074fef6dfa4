"""The values that one hyperparameter may take."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Sequence

Value = bool | int | float | str


class Suggest(Protocol):
    """What chooses values: an `optuna.Trial`, or anything with these three methods of it."""

    def suggest_int(self, name: str, low: int, high: int, *, log: bool = False) -> int:
        """Choose a whole number from `low` to `high`, both included."""

    def suggest_float(self, name: str, low: float, high: float, *, log: bool = False) -> float:
        """Choose a number from `low` to `high`."""

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Choose one of `choices`."""


@dataclass(frozen=True, slots=True)
class Int:
    """Whole numbers from `low` to `high`, both included."""

    low: int
    high: int
    log: bool = False

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)

    def __str__(self) -> str:
        return f"a whole number from {self.low} to {self.high}"

    def convert(self, given: object) -> int | None:
        """Read a value or its text; None where it is not in the domain."""
        try:
            number = int(given) if isinstance(given, str) else given
        except ValueError:
            return None
        if isinstance(number, bool) or not isinstance(number, int):
            return None
        return number if self.low <= number <= self.high else None

    def options(self) -> tuple[int, ...]:
        """Every value, in order."""
        return tuple(range(self.low, self.high + 1))

    def suggest(self, suggest: Suggest, name: str) -> int:
        """Let `suggest` choose."""
        return suggest.suggest_int(name, self.low, self.high, log=self.log)


@dataclass(frozen=True, slots=True)
class Float:
    """Numbers from `low` to `high`, both included; `log` samples their logarithm evenly."""

    low: float
    high: float
    log: bool = False

    def __post_init__(self) -> None:
        _check_order(self.low, self.high)

    def __str__(self) -> str:
        return f"a number from {self.low:g} to {self.high:g}"

    def convert(self, given: object) -> float | None:
        """Read a value or its text ("1e-3"); None where it is not in the domain."""
        if isinstance(given, bool) or not isinstance(given, int | float | str):
            return None
        try:
            number = float(given)
        except ValueError:
            return None
        return number if math.isfinite(number) and self.low <= number <= self.high else None

    def suggest(self, suggest: Suggest, name: str) -> float:
        """Let `suggest` choose."""
        return suggest.suggest_float(name, self.low, self.high, log=self.log)


@dataclass(frozen=True, slots=True)
class Choice:
    """One of a few options: numbers, names, or true and false."""

    choices: tuple[Value, ...]

    def __str__(self) -> str:
        return "one of " + ", ".join(_text(choice) for choice in self.choices)

    def convert(self, given: object) -> Value | None:
        """Read an option or its text ("true", "3"); None where it is not an option."""
        for choice in self.choices:
            # Types are compared too: True equals 1 in Python, but is no number of units.
            if type(given) is type(choice) and given == choice:
                return choice
            if isinstance(given, str) and given.strip().lower() == _text(choice):
                return choice
        return None

    def options(self) -> tuple[Value, ...]:
        """Every value, in order."""
        return self.choices

    def suggest(self, suggest: Suggest, name: str) -> Value:
        """Let `suggest` choose."""
        chosen: Value = suggest.suggest_categorical(name, self.choices)
        return chosen


Domain = Int | Float | Choice


def _check_order(low: float, high: float) -> None:
    if low > high:
        raise ValueError(f"expected low <= high, got {low} and {high}")


def _text(value: Value) -> str:
    return str(value).lower()
