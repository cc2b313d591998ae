"""What counts of a person's lessons: purchases once, touches so often a day, responses where their decision is known."""

from collections import Counter

from hypothesis import given, settings
from hypothesis import strategies as st

from schemas.events import Event
from schemas.limits import (
    DAY_MS,
    DECISIONS_KNOWN_MAX,
    DECISIONS_KNOWN_MS,
    FACT_IDS_MAX,
    HOUR_MS,
    PERSON_EXPIRY_MS,
    SESSION_DECISIONS_MAX,
    TOUCHED_ITEMS_MAX,
    TOUCHES_PER_DAY_MAX,
)
from schemas.state.consent import Consent
from schemas.state.lessons import LESSON, LearnerMemory, Lesson
from tests.builders import NOON, make_event, make_knowledge, track_all
from udfs.draw import identify_decision
from udfs.session.deduplicate import ENTRY_BYTES, hash_of, hashes_in
from udfs.take_lessons import Taken, lesson_of, take_lesson

KNOWLEDGE = make_knowledge()


def lessons(*events: Event) -> list[Lesson]:
    """Those of one session's events."""
    asked, found = b"", []
    for news in track_all(list(events))[1]:
        asked, lesson = lesson_of(asked, news, KNOWLEDGE)
        found += [lesson] if lesson is not None else []
    return found


def view(item_id: str = "i1", time_ms: int = NOON, name: str = "", **fields: object) -> Event:
    return make_event(
        **{
            "event_id": name or f"{item_id}-{time_ms}", "event_type": "product_viewed",
            "item_ids": [item_id], "event_time_ms": time_ms, "is_unproven": True,
        } | fields
    )  # fmt: skip


def taken(*all_lessons: Lesson) -> tuple[LearnerMemory, list[Taken]]:
    """The lessons of one person, one after the other."""
    memory, found = LearnerMemory(0), []
    for lesson in all_lessons:
        found.append(take_lesson(memory, lesson, KNOWLEDGE.assumed))
        memory = found[-1].memory or LearnerMemory(0)
    return memory, found


def test_what_is_said_with_each_event_is_a_lesson_once_in_a_visit() -> None:
    """As browsers do: Firefox says `gpc: false` with each event, kairos.js what was agreed to."""

    def scroll(number: int, **said: object) -> Event:
        time_ms = said.pop("event_time_ms", NOON + number)
        return make_event(
            event_id=f"e{number}", event_type="page_scrolled", event_time_ms=time_ms, **said
        )

    gpc = {"context": {"gpc": False}}
    assert len(lessons(*(scroll(n, **gpc) for n in range(100)))) == 1
    assert len(lessons(*(scroll(n, consent=["analytics"]) for n in range(100)))) == 1
    both = [{"context": {"gpc": n >= 50}, "consent": []} for n in range(100)]
    changed = lessons(*(scroll(n, **said) for n, said in enumerate(both)))
    assert [one.consent.gpc for one in changed] == [False, True]
    later = scroll(200, event_time_ms=NOON + DAY_MS, **gpc)
    assert len(lessons(scroll(1, **gpc), scroll(2, **gpc), later)) == 2, "another visit"
    signs_in = make_event(
        event_id="e3", event_type="identified", person_id="anna", event_time_ms=NOON + 3, **gpc
    )
    people = [one.person for one in lessons(scroll(1, **gpc), signs_in, scroll(4, **gpc))]
    assert people == ["a1", "anna", "anna"], "what was before, and what is said with it"


def test_what_teaches_nothing_is_no_lesson() -> None:
    plain = make_event(event_type="content_read", item_ids=["i1"])
    assert len(lessons(plain)) == 1
    assert lessons(make_event(event_type="page_scrolled")) == []
    said = make_event(event_type="page_scrolled", consent=[])
    assert [one.consent.purposes for one in lessons(said)] == [()]


def kinds_taught(*events: Event, assumed: frozenset[str] = frozenset()) -> list[str]:
    """What others learn from one person, by count or kind, in order."""
    memory, found = None, []
    for lesson in lessons(*events):
        memory, counted, _ = take_lesson(memory, lesson, assumed)
        found += [one.count for one in counted.actions]
        found += [one.count for one in counted.items if one.count]
        found += ["session"] if counted.ended else []
    return found


def shown(name: str, decision_id: str = "d1") -> Event:
    named = {"action_id": "gift", "placement": "hero"}
    return make_event(
        event_id=name, event_type="decision_exposed", decision_id=decision_id, properties=named
    )


def test_of_a_person_who_does_not_agree_to_analytics_nothing_is_learnt() -> None:
    end = make_event(event_id="end", event_type="session_ended", event_time_ms=NOON + 9)
    visit = [view(is_unproven=False), shown("x"), end]
    everything = frozenset({"analytics"})
    assert set(kinds_taught(*visit, assumed=everything)) == {"views", "exposures", "session"}
    assert kinds_taught(*visit) == kinds_taught(
        view(is_unproven=False, consent=["personalisation"])
    )
    # an exposure takes from its action's budget all the same, and counts for nothing else
    ask = make_event(event_id="ask", placements=["home"], consent=[])
    own = identify_decision("a1", "s1", "ask", "home")
    assert kinds_taught(ask, shown("y", decision_id=own), assumed=everything) == ["spent"]


def test_withdrawal_in_one_session_holds_in_the_other() -> None:
    assumed = frozenset({"analytics"})
    (first,) = lessons(view("i1", NOON, session_id="s1", consent=["analytics"]))
    (stop,) = lessons(
        make_event(
            event_type="consent_changed", event_time_ms=NOON + 1, session_id="s2", consent=[]
        )
    )
    (more,) = lessons(view("i2", NOON + 2, session_id="s3"))
    memory = take_lesson(None, first, assumed).memory
    memory = take_lesson(memory, stop, assumed).memory
    after = take_lesson(memory, more, assumed)
    assert (after.lesson.items, after.counts) == ((), ("lessons_refused",))


def test_who_signs_in_is_learnt_of_by_the_stricter_of_what_both_said() -> None:
    assumed = frozenset({"analytics"})
    for visitor, person in ((["analytics"], []), ([], ["analytics"])):
        said = Consent(tuple(person), NOON - DAY_MS)
        memory = LearnerMemory(NOON, NOON + PERSON_EXPIRY_MS, consent=said)
        events = [
            view("i1", NOON, consent=visitor),
            make_event(event_id="in", event_type="identified", person_id="p", event_time_ms=NOON + 1),
            view("i2", NOON + 2, "e2"),
        ]  # fmt: skip
        for lesson in (one for one in lessons(*events) if one.person == "p"):
            taken_of = take_lesson(memory, lesson, assumed)
            assert taken_of.lesson.items == () or not lesson.items


def test_a_lesson_survives_its_way() -> None:
    ask = make_event(event_id="asks", placements=["home"])
    bought = make_event(
        event_id="b", event_type="purchase_completed", item_ids=["i1"], event_time_ms=NOON + 5
    )
    signed = make_event(
        event_id="in", event_type="identified", person_id="u", event_time_ms=NOON + 6
    )
    end = make_event(event_id="end", event_type="session_ended", event_time_ms=NOON + 7)
    found = lessons(ask, view(), bought, signed, end)
    assert [LESSON.decode(LESSON.encode(one)) for one in found] == found
    moved = next(one for one in found if one.moved)
    assert (moved.person, len(moved.asked), len(moved.moved)) == ("u", 2, 1)
    assert found[-1].ended is not None


def test_an_open_session_knows_its_newest_decisions_and_a_new_one_none() -> None:
    asking = [
        make_event(event_id=f"e{n}", placements=["home"], event_time_ms=NOON + n)
        for n in range(SESSION_DECISIONS_MAX + 1)
    ]
    asked = b""
    for news in track_all(asking)[1]:
        asked, _ = lesson_of(asked, news, KNOWLEDGE)
    names = [hash_of(identify_decision("a1", "s1", one.event_id, "home")) for one in asking]
    assert list(hashes_in(asked)) == names[1:]
    end = make_event(event_id="end", event_type="session_ended", event_time_ms=NOON + HOUR_MS // 9)
    for news in track_all([*asking, end])[1]:
        asked, _ = lesson_of(asked, news, KNOWLEDGE)
    assert asked == b""


def test_a_decision_is_known_for_thirty_days_of_its_persons_time() -> None:
    ask = Lesson("a", NOON, "s", 1, asked=(hash_of("d"),))
    for later_ms, known in ((DECISIONS_KNOWN_MS, True), (DECISIONS_KNOWN_MS + DAY_MS, False)):
        other = Lesson("a", NOON + later_ms, "s2", 1, asked=(hash_of("e"),))
        shown = Lesson("a", NOON + later_ms, "s2", 2, decision=hash_of("d"))
        counts = taken(ask, other, shown)[1][-1].counts
        assert (counts == ()) == known, later_ms


def test_a_silent_person_is_forgotten() -> None:
    bought = Lesson("a", NOON, "s", 1, bought=hash_of("order"))
    late = Lesson("a", NOON + PERSON_EXPIRY_MS, "s", 2, bought=hash_of("order"))
    memory, found = taken(bought, late)
    assert [one.counts for one in found] == [(), ()]
    assert len(memory.fact_ids) == ENTRY_BYTES


def test_everything_that_is_kept_is_bounded() -> None:
    many = max(FACT_IDS_MAX, DECISIONS_KNOWN_MAX, TOUCHED_ITEMS_MAX) + 5
    memory, found = taken(
        *(
            Lesson(
                "a", NOON + n, "s", n, bought=hash_of(f"o{n}"), touches=(f"i{n}",),
                asked=(hash_of(f"d{n}"),),
            )
            for n in range(many)
        )
    )  # fmt: skip
    assert len(memory.fact_ids) == FACT_IDS_MAX * ENTRY_BYTES
    assert len(memory.asked) == DECISIONS_KNOWN_MAX * ENTRY_BYTES
    assert len(memory.touches) == TOUCHED_ITEMS_MAX
    counts = Counter(count for one in found for count in one.counts)
    assert counts["fact_ids_dropped"] == many - FACT_IDS_MAX
    assert counts["touches_uncounted"] == many - TOUCHED_ITEMS_MAX


visits = st.lists(
    st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(0, 30)), min_size=1, max_size=120
)


@given(visits)
@settings(max_examples=40)
def test_no_person_counts_more_often_for_an_item_on_a_day(
    found: list[tuple[int, int, int]],
) -> None:
    """In any sessions, at any times: what reaches the statistics is what a person may, and no less than that."""
    by_session: dict[int, list[Event]] = {}
    for number, (session, item, hours) in enumerate(sorted(found, key=lambda one: one[2])):
        event = view(
            f"i{item}", NOON + hours * HOUR_MS + number, f"e{number}", session_id=f"s{session}"
        )
        by_session.setdefault(session, []).append(event)
    told = [one for events in by_session.values() for one in lessons(*events)]
    told.sort(key=lambda one: (one.order_ms, one.session_id, one.position))
    seen: Counter[tuple[str, int]] = Counter()
    counted: Counter[tuple[str, int]] = Counter()
    for one in taken(*told)[1]:
        day = one.lesson.order_ms // DAY_MS
        counted.update((fact.item_id, day) for fact in one.lesson.items if fact.count == "views")
    for events in by_session.values():
        seen.update((one.item_ids[0], one.event_time_ms // DAY_MS) for one in events)
    assert counted == {key: min(count, TOUCHES_PER_DAY_MAX) for key, count in seen.items()}
