"""A number with its noun: `1 action`, `2 actions`."""


def counted(count: int, noun: str, plural: str = "") -> str:
    """`1,234 lines`, `1 line`; `plural` where it is not the noun with an s."""
    return f"{count:,} {noun if count == 1 else plural or f'{noun}s'}"
