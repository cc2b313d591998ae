"""Chance as a hash: pinned, uniform, and of exactly its inputs."""

from udfs.draw import draw, draw_each, identify_decision


def test_draws_and_ids_are_the_same_for_ever() -> None:
    """Written down: another value would draw otherwise in a replay of an old log."""
    assert draw("seed", "p1", "e1") == 0.6042775260265207
    assert draw("", "", "") == 0.14432693769931393
    assert identify_decision("p1", "s1", "e1", "home") == "04a3f9f5e35a4efd3638a8bd2df26038"


def test_each_of_many_draws_what_it_draws_alone() -> None:
    members = ["", "a", "ü", "a"]
    assert draw_each(members, "new", "e1") == [draw("new", "e1", one) for one in members]
    assert draw_each([], "new", "e1") == []


def test_draws_are_uniform() -> None:
    drawn = [draw("seed", f"p{n % 100}", f"e{n}") for n in range(20_000)]
    assert min(drawn) >= 0.0
    assert max(drawn) < 1.0
    tenths = [sum(1 for one in drawn if int(one * 10) == tenth) for tenth in range(10)]
    # 2,000 each, standard deviation 42
    assert max(abs(count - 2_000) for count in tenths) < 210


def test_each_input_matters_and_where_it_ends() -> None:
    drawn = {
        draw(*parts)
        for parts in (("a", "b", "c"), ("b", "a", "c"), ("ab", "", "c"), ("", "ab", "c"), ("a", "bc", ""))
    }  # fmt: skip
    assert len(drawn) == 5
    ids = {
        identify_decision(*parts)
        for parts in (
            ("a", "b", "c", "d"), ("b", "b", "c", "d"), ("a", "a", "c", "d"), ("a", "b", "a", "d"),
            ("a", "b", "c", "a"), ("ab", "", "c", "d"), ("a", "b", "cd", ""),
        )
    }  # fmt: skip
    assert len(ids) == 7
    assert {len(one) for one in ids} == {32}
