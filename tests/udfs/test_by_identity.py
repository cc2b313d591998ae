"""What is made of a thing is made once, of that very thing, and at most so many are held."""

from udfs.by_identity import by_identity


class Thing:
    """One like every other, and without a hash."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Thing)

    __hash__ = None  # type: ignore[assignment]


made: list[Thing] = []


@by_identity(2)
def number_of(one: Thing) -> int:
    """How many were made with this one."""
    made.append(one)
    return len(made)


def test_it_is_made_once_of_each_however_alike_they_are() -> None:
    made.clear()
    one, other = Thing(), Thing()
    assert [number_of(one), number_of(other), number_of(one)] == [1, 2, 1]


def test_at_the_bound_it_begins_anew() -> None:
    made.clear()
    things = [Thing() for _ in range(3)]
    assert [number_of(one) for one in things] == [1, 2, 3]
    assert number_of(things[0]) == 4, "it was let go"
    assert number_of(things[2]) == 3, "it is held"
