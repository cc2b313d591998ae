"""An experiment as pictures: lifts with their intervals, and the difference by day. SVG by hand: a few lines and texts need no library."""

from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from typing import Final

from models.experiments.reading import Compared, Reading
from schemas.errors import ConfigError

WIDE: Final = 720
LEFT: Final = 260
RIGHT: Final = 30
ROW: Final = 34
HIGH: Final = 300
REACH: Final = 1.959963984540054
INK: Final = "#30343b"
GOOD: Final = "#1a7f4b"
BAD: Final = "#b3261e"
UNSURE: Final = "#5b6470"


def write_plots(reading: Reading, folder: Path) -> list[Path]:
    """`NAME-lifts.svg` and, of each metric and arm, `NAME-METRIC-ARM-days.svg`; raises ConfigError where they cannot be written."""
    name = _file_name(reading.experiment.name)
    told = [one for one in reading.compared if one.lift is not None and one.lift[1].low is not None]
    pictures = {f"{name}-lifts.svg": _lifts(told)} if told else {}
    pictures |= {
        f"{name}-{one.metric.name}-{_file_name(one.arm)}-days.svg": _days(one)
        for one in reading.compared
        if len(one.days) > 1
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for file, text in pictures.items():
            (folder / file).write_text(text)
    except OSError as error:
        raise ConfigError(f"{folder} cannot be written: {error.strerror}") from error
    return [folder / file for file in pictures]


def _file_name(name: str) -> str:
    return "".join(one if one.isalnum() or one in "-_" else "_" for one in name)[:80]


def _lifts(told: Sequence[Compared]) -> str:
    """A row for each comparison: the lift as a dot, its always valid interval as a line, no lift as the line down."""
    ends = [end for one in told if one.lift for end in one.lift[1] if end is not None]
    low, high = min(0.0, *ends), max(0.0, *ends)
    parts = [_line(_x(0.0, low, high), 10, _x(0.0, low, high), 20 + ROW * len(told), "#b8bec7")]
    for at, one in enumerate(told):
        y = 30 + ROW * at
        lift, (begin, end) = one.lift or (0.0, (0.0, 0.0))
        color = (GOOD if one.gain > 0 else BAD) if one.is_sure else UNSURE
        parts += [
            _text(8, y + 4, f"{one.metric.name}, {one.arm}"),
            _line(_x(begin or 0.0, low, high), y, _x(end or 0.0, low, high), y, color, 3),
            f'<circle cx="{_x(lift, low, high):.1f}" cy="{y}" r="5" fill="{color}"/>',
            _text(_x(lift, low, high) - 18, y - 9, f"{lift:+.1%}"),
        ]
    return _picture("Lift against the control, with what it is between (95 %, however often one looks)", parts, 40 + ROW * len(told))  # fmt: skip


def _days(one: Compared) -> str:
    """The difference on each day with its interval of 95 %, and the line through them."""
    spans = [(day.value - REACH * day.error, day.value + REACH * day.error) for day in one.days]
    low, high = min(0.0, *(a for a, _ in spans)), max(0.0, *(b for _, b in spans))
    last = one.days[-1].day
    parts = [_line(60, _y(0.0, low, high), WIDE - RIGHT, _y(0.0, low, high), "#b8bec7")]
    for day, (begin, end) in zip(one.days, spans, strict=True):
        x = _along(day.day, last)
        parts += [
            _line(x, _y(begin, low, high), x, _y(end, low, high), UNSURE),
            f'<circle cx="{x:.1f}" cy="{_y(day.value, low, high):.1f}" r="3.5" fill="{INK}"/>',
        ]
    if one.trend is not None:
        first = min(day.day for day in one.days)
        parts.append(_line(_along(first, last), _y(one.trend.first, low, high), _along(last, last), _y(one.trend.last, low, high), GOOD))  # fmt: skip
    parts += [_text(8, _y(end, low, high) + 4, f"{end:.3g}") for end in (low, high)]
    parts.append(_text(WIDE / 2 - 60, HIGH + 26, f"day 0 to day {last}"))
    return _picture(f"{one.metric.name}: {one.arm} less the control, by day", parts, HIGH + 40)


def _x(at: float, low: float, high: float) -> float:
    return LEFT + (at - low) / ((high - low) or 1.0) * (WIDE - LEFT - RIGHT)


def _y(at: float, low: float, high: float) -> float:
    return HIGH - (at - low) / ((high - low) or 1.0) * (HIGH - 20)


def _along(day: int, last: int) -> float:
    return 60 + day / max(1, last) * (WIDE - RIGHT - 60)


def _line(x1: float, y1: float, x2: float, y2: float, color: str, wide: int = 1) -> str:
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" stroke="{color}" stroke-width="{wide}"/>'


def _text(x: float, y: float, text: str) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" fill="{INK}" font-size="13">{escape(text)}</text>'


def _picture(title: str, parts: Sequence[str], high: int) -> str:
    return "".join(_svg(title, parts, high))


def _svg(title: str, parts: Sequence[str], high: int) -> Iterator[str]:
    yield f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDE} {high + 30}" role="img" font-family="sans-serif">'
    yield f"<title>{escape(title)}</title>"
    yield f'<rect width="{WIDE}" height="{high + 30}" fill="#ffffff"/>{_text(8, 20, title)}'
    yield f'<g transform="translate(0 30)">{"".join(parts)}</g></svg>\n'
