"""What `kairos verify skew` found, for people and for programs."""

from typing import Any, Final

import msgspec

from jobs.audit.skew import Example, Skew
from schemas.counted import counted
from scripts.console import show, show_table

NOT_COMPARED: Final = {
    "other_sets": "were made with another feature set",
    "other_knowledge": "saw another catalogue or policy: it was published after its time",
    "left_out": "have traces that were too large: their features were left out",
    "late": "name knowledge that the log does not hold",
    "reordered": "took events of a person's simultaneous sessions in another order",
}


def skew_json(skew: Skew) -> dict[str, Any]:
    """All of it as builtins."""
    found: dict[str, Any] = msgspec.to_builtins(skew)
    for feature in found["features"].values():
        feature["example"] = dict(zip(Example._fields, feature["example"], strict=True))
    if skew.candidates_example is not None:
        found["candidates_example"] = skew.candidates_example._asdict()
    return found | {"is_none": skew.is_none}


def show_skew(skew: Skew) -> None:
    """The counts in words, and a table of the features that differ."""
    show(
        f"{counted(skew.compared, 'decision')} compared, {counted(skew.vectors, 'vector')}: {skew.differing:,} differ; "
        f"{counted(skew.missing, 'decision is', 'decisions are')} not made again, {skew.other_candidates:,} have other candidates"
    )
    if skew.by_digest:
        show(f"{skew.by_digest:,} of them by the digest of their vectors, which their traces hold")
    if skew.candidates_example is not None:
        decision_id, place, before, after = skew.candidates_example
        show(
            f"  such as {decision_id}: place {place} had {before or 'nothing'}, replayed {after or 'nothing'}"
        )
    for name, said in NOT_COMPARED.items():
        found = getattr(skew, name)
        count = sum(found.values()) if isinstance(found, dict) else found
        if count:
            show(
                f"not compared: {count:,} {said}"
                + (f" ({', '.join(found)})" if found != count else "")
            )
    rows = [
        (name, one.count, *(_text(cell) for cell in one.example))
        for name, one in sorted(skew.features.items(), key=lambda pair: -pair[1].count)
    ]
    if rows:
        columns = ("feature", "vectors", "such as decision", "item", "logged", "replayed")
        show_table("features that differ", columns, rows)


def _text(value: object) -> str:
    return "missing" if value is None else f"{value!r}" if isinstance(value, float) else str(value)
