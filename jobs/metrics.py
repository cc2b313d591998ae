"""What is counted: the closed list of names, and an operator's counters. Their sums are read in jobs/flink/counted.py."""

from typing import Any, Final, get_args

from schemas.errors import InvalidReason

MEANINGS: Final = {
    "events": "events taken by a session",
    "clock_ticks": "clock_ticked events: they only move time",
    "passed_over": "records that the topic's mapping passes over",
    "duplicates": "events whose id the session had seen",
    "facts_repeated": "purchases and refunds that their person was told of in another session, or before it was forgotten",
    "fact_ids_dropped": "purchases and refunds forgotten at the bound of a person's memory",
    "after_timer": "events that came after their session's timer had fired",
    "multiple_exposures": "people who signed in and get another arm of an experiment than their device had",
    "over_rate": "events of a session beyond its rate: folded, not decided on",
    "touches_uncounted": "events of a browser's key that count no more for some of their items",
    "decisions_unknown": "responses to decisions that neither their session nor their person is known to have asked for: history",
    "unproven": "purchases, refunds, responses, and events under a name of the sender's own, of a browser's key: they count for their person only",
    "unproven_untold": "profile updates of a browser's key: what they tell is left out",
    "seen_ids_dropped": "event ids forgotten at the bound of a session's memory",
    "sessions_ended": "sessions that ended",
    "sessions_forgotten": "session keys forgotten after the deduplication horizon",
    "lessons_refused": "pieces of news that taught nothing, because their person does not agree to analytics",
    "decisions_purged": "decisions taken back because the person does not agree to what they rest on",
    "erasures": "events that ask to forget somebody, taken by a session",
    "persons_erased": "profiles emptied because somebody asked to be forgotten",
    "erased": "events and news of before their person was erased: they count for nothing",
    "decisions_void": "decisions that are void: of visitors because somebody has signed in, of people because a visitor was split from them",
    "persons_merged": "transfers merged into the state of who signed in",
    "transfers_capped": "of them, those of devices or people with too many: only what holds without personalisation was merged",
    "limits_linked": "visitors whose limits were merged into a person's because they are the person perhaps",
    "events_ignored": "events of bots, of internal traffic, or of what else the policy ignores: they count for nothing",
    "events_without_role": "events of a name that is none of ours and that the policy does not know: they are activity and no more",
    "roles_unproven": "events without proof whose role by the policy needs one (`identify`): they are activity and no more",
    "links_too_weak": "events that say who somebody is, and not surely enough for the policy: they link nothing",
    "persons_unmerged": "people from whom what a visitor had given was split again",
    "unmerged_bare": "people of whom that is not known any more: what holds without personalisation was kept",
    "unmerge_too_late": "events that ask to split what was given too long ago, or never",
    "persons_forgotten": "profiles forgotten after their horizon",
    "decisions": "decisions made",
    "conditions_failed": "conditions of a policy that could not be checked of a person: what needs them is excluded",
    "dead_letters": "records that could not be used; the reasons are counted by name",
    "outcomes": "outcomes written, those that take others back included",
    "outcomes_late": "responses that came after the reward window of their decision: they are credited to nothing",
    "outcomes_dropped": "decisions, carts and conversions whose outcome is corrected no more, at the bound of a person's memory",
    "refunds_unknown": "refunds of what is not known to have been bought, or given back too often: they take nothing back",
    "traces_cut": "traces without their features, or without some candidates or actions: they would have been too large",
    "knowledge_applied": "records of control and items taken, by each operator instance",
    "knowledge_refused": "records of control, items and knowledge that cannot be used, likewise",
    "epochs_applied": "epochs of knowledge taken, by each operator instance",
    "epochs_late": "of them, those that came after an event that should have seen them",
    "late_facts": "facts that came after their epoch had ended: they count in the one then open",
    "epochs_dropped": "epochs of knowledge without an end that were forgotten at the bound of how many are kept",
    "epochs_written": "epochs written to knowledge",
    "facts_dropped": "facts of one key left out at the bound of how many one epoch may have",
} | {reason: f"dead letters with reason {reason}" for reason in get_args(InvalidReason)}
"""Every counter by name."""


class Counts:
    """The counters of one operator instance; an unknown name is a bug and raises KeyError."""

    def __init__(self, group: Any) -> None:
        self._counters = {name: group.counter(name) for name in MEANINGS}

    def add(self, *names: str) -> None:
        """Counts one for each of `names`."""
        for name in names:
            self._counters[name].inc()
