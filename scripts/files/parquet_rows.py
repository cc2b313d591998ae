"""Values of a Parquet file as JSON has them: what JSON cannot say is told and not changed in silence. Pure."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal
from math import isinf, isnan
from typing import Any, Final

WHOLE_MAX: Final = 2**63


def plain_value(value: object) -> Any:
    """The value, with times as ISO 8601 and decimals as numbers; NaN is what is missing. Raises ValueError."""
    match value:
        case None | bool() | str():
            return value
        case int():
            return value if abs(value) < WHOLE_MAX else str(value)
        case float():
            return _number(value)
        case Decimal():
            return _decimal(value)
        case datetime() | date() | time():
            return value.isoformat()
        case timedelta():
            return value.total_seconds()
        case bytes():
            return value.decode()
        case dict():
            return {name: plain_value(one) for name, one in value.items()}
        case list():
            return _list(value)
    raise ValueError(f"a value of type {type(value).__name__} has no place in JSON")


def _number(value: float) -> float | None:
    if isinf(value):
        raise ValueError(f"{value} is no number that JSON has")
    return None if isnan(value) else value


def _decimal(value: Decimal) -> object:
    if not value.is_finite():
        return _number(float(value))
    return plain_value(int(value)) if value == value.to_integral_value() else float(value)


def _list(value: list[Any]) -> Any:
    """A list; a map, which is a list of pairs, as an object."""
    if value and all(isinstance(one, tuple) for one in value):
        return {str(name): plain_value(said) for name, said in value}
    return [plain_value(one) for one in value]
