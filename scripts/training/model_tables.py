"""What a training tells of a model, as tables for a person."""

from collections.abc import Mapping

from models.learning.examination import Curve, Examination
from models.learning.report import Report
from schemas.counted import counted
from scripts.console import show, show_table


def show_figures(version: str, metrics: Mapping[str, float], report: Report) -> None:
    """The model beside the simple orders, on the same held-out decisions."""
    orders = {version: metrics} | report.baselines
    names = list(metrics)
    if names:
        rows = [
            (order, *(f"{found[name]:.4f}" if name in found else "" for name in names))
            for order, found in orders.items()
        ]
        title = f"{counted(report.held_out, 'held-out decision')}"
        show_table(title, ("order", *names), rows)


def show_examination(found: Examination | None, examples: int) -> None:
    """How likely each place is looked at, and what that had the examples count; nothing where it was not asked, or no list was shown."""
    if found is None or not found.curves:
        return
    for one in found.curves:
        if one.is_used:
            show_table(
                _title(one), ("place", "looked at", "from", "to", "rests on clicks"), _rows(one)
            )
        else:
            show(f"{one.placement}: every place counts alike, because {'; '.join(one.doubts)}")
    if found.weighted:
        show(
            f"{found.weighted:,} of {counted(examples, 'example')} were taken in such a list and count 1 / looked at, at most {found.clip:g} times ({found.clipped:,} are cut there), "
            f"together as much as before; all count as {found.effective:,.0f} of one weight, and so do the figures of ranking"
        )


def _title(one: Curve) -> str:
    if one.source == "given":
        return f"{one.placement}: how likely a place is looked at, beside the first, as given"
    source = (
        "lists in random order"
        if one.source == "random"
        else "items that were shown at several places"
    )
    return f"{one.placement}: how likely a place is looked at, beside the first, by {counted(one.lists, 'list')} ({source})"


def _rows(one: Curve) -> list[tuple[object, ...]]:
    spread = zip(one.low, one.high, one.effective, strict=True) if one.low else ()
    told = [(f"{low:.3f}", f"{high:.3f}", f"{clicks:,.0f}") for low, high, clicks in spread]
    told += [("", "", "")] * (len(one.chances) - len(told))
    return [
        (place, f"{chance:.3f}", *more)
        for place, (chance, more) in enumerate(zip(one.chances, told, strict=True), start=1)
    ]
