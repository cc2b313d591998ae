"""`kairos try`: files through the engine's own steps in this process, without a server, and what is decided."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any, Final, NamedTuple

import msgspec

from jobs.config import Config
from jobs.empty_knowledge import empty_knowledge
from jobs.fold.fold import Fold, Folded, FoldRules
from jobs.fold.learner import Learner
from jobs.job_settings import rate_of
from models.artefact import load_scorer
from models.content import read_content
from models.ranker import XgboostRanker
from models.response import SUFFIX as RESPONSES_SUFFIX
from models.response import load_responses
from schemas.codec import EVENT
from schemas.dead_letters import DeadLetter, dead_letter
from schemas.decisions import Decision, DecisionTrace
from schemas.errors import ConfigError
from schemas.events import EVENT_TYPES, Event, granted_in_words
from schemas.formats.field_names import Notices
from schemas.limits import ARTEFACT_BYTES_MAX, EVENT_TIME_MAX_MS
from schemas.policy import DEFAULT_CONTROL, DEFAULT_POLICY, NOTHING, Policy
from schemas.records import LogRecord
from scripts.audit.explained_view import show_explained
from scripts.audit.explanation import Explained, explain, explained_json
from scripts.console import say, show, show_json
from scripts.files.event_files import EventFiles
from scripts.files.import_events import Bad
from scripts.files.item_files import read_items
from scripts.files.sorted_events import Encoded, in_order_of_time
from scripts.files.told_names import in_words
from scripts.files.try_counts import check, summary
from scripts.policy.policy_versions import version_of
from scripts.times import utc
from udfs.actions.respond import RESPONSE_SPACE
from udfs.facts.features import FEATURE_SPACE
from udfs.knowledge.knowledge import Knowledge
from udfs.policy.compile_policy import compile_policy
from udfs.session.give_meaning import IGNORED_COUNT

TOPIC: Final = "file"
SHOWN: Final = (
    "decision_id", "kind", "person", "session_id", "event_id", "event_time_ms", "placement", "action_id", "treatment_id",
    "items", "content", "arm", "is_holdout", "action_probability", "explanation", "versions", "sequence",
)  # fmt: skip
"""What `--json` prints of a decision; the others of its fields are the store's affair."""
ITEMS_SHOWN: Final = 4
NAMES_MAX: Final = 1_000
OTHERS: Final = "(other names)"
"""Under which events are counted whose names are more than so many."""


class Shown(NamedTuple):
    """What is printed: everything that is decided, or of one decision why (its id or how that begins), as JSON or in words.

    `has_nothing`: in words, decisions that offer nothing, too.
    """

    why: str | None
    is_json: bool
    has_nothing: bool = False


class World(NamedTuple):
    """What is in force from the beginning: catalogue, policy (None: the default one), models."""

    items: Path | None = None
    policy: Policy | None = None
    models: Sequence[str] = ()


class Tried(NamedTuple):
    """What one step of the fold gave, with the events that it came from still in mind."""

    decisions: tuple[tuple[Decision, DecisionTrace], ...]
    dead_letters: tuple[DeadLetter, ...]
    event: Event | None


class Trial:
    """The steps of the decide job and of the learn job over a log of files; read it once.

    Nothing is decided here that the job would not decide: it is the same fold that tests compare the job with.
    """

    def __init__(self, source: Iterable[Event | Bad], world: World, config: Config) -> None:
        self.knowledge = empty_knowledge(config)
        self.rankers: dict[str, XgboostRanker] = {}
        self._set_up(world)
        self._source, self._config = source, config
        self._letters: list[DeadLetter] = []
        policy = DEFAULT_POLICY if world.policy is None else world.policy
        self._known = policy.own_names
        self.without_role: Counter[str] = Counter()
        """Events by name that are activity and no more, since neither we nor the policy know it."""
        self.counts = {
            "read": 0, "events": 0, "duplicates": 0, "dead_letters": 0, "decisions": 0, "actions": 0, "people": 0,
        }  # fmt: skip

    def run(self) -> Iterator[Tried]:
        """Everything in the order in which the engine would write it; lines that are no events come first.

        Raises ConfigError where a file cannot be read.
        """
        config = self._config
        rules = FoldRules(EVENT.decode, config.seed, config.lateness_ms, rate_of(config))
        fold = Fold(self.knowledge, rules, Learner())
        people = set()
        log = list(self._log())
        yield from (Tried((), (one,), None) for one in self._letters)
        self.counts["dead_letters"] = len(self._letters)
        self.counts["read"] = len(log) + len(self._letters)
        for step in fold.run(log):
            if step.decisions:
                people.add(step.decisions[0][0].person)
            self._count(step)
            event = step.news.event if step.news is not None else None
            if step.decisions or step.dead_letters:
                yield Tried(step.decisions, step.dead_letters, event)
        self.counts["people"] = len(people)
        dead_events = self.counts["dead_letters"] - len(self._letters)
        passed_over = self.counts["duplicates"] + self.counts.get("ignored", 0)
        self.counts["events"] = len(log) - dead_events - passed_over

    def _set_up(self, world: World) -> None:
        knowledge = self.knowledge
        for position, item in enumerate(read_items(world.items, say) if world.items else ()):
            knowledge.add_item(item, position)
        policy = DEFAULT_POLICY if world.policy is None else world.policy
        version = DEFAULT_CONTROL.version if world.policy is None else version_of(policy)
        knowledge.add_policy(version, 0, 0, compile_policy(policy))
        for position, named in enumerate(world.models):
            checksum = sha256(read_content("model", named, ARTEFACT_BYTES_MAX)).hexdigest()
            if named.endswith(RESPONSES_SUFFIX):
                responses = load_responses(named, checksum, RESPONSE_SPACE)
                knowledge.add_responses(checksum, 0, position, responses)
            else:
                ranker = load_scorer(named, checksum, FEATURE_SPACE)
                self.rankers[ranker.version] = ranker
                knowledge.add_model(ranker.version, 0, position, ranker)

    def _log(self) -> Iterator[LogRecord]:
        for offset, one in enumerate(in_order_of_time(self._readable())):
            yield LogRecord(TOPIC, 0, offset, one.time_ms, one.session_id, one.value)

    def _readable(self) -> Iterator[Encoded]:
        for one in self._source:
            if isinstance(one, Bad):
                place = LogRecord(f"{TOPIC}:{one.name}", 0, one.line, 0, "", one.raw)
                self._letters.append(dead_letter(place, one.error))
            else:
                value = EVENT.encode(one)
                yield Encoded(one.event_time_ms, one.session_id, one.event_id, value)

    def _count(self, step: Folded) -> None:
        counts = self.counts
        counts["dead_letters"] += len(step.dead_letters)
        event = step.news.event if step.news is not None else None
        name = event.event_type if event is not None else ""
        if name and name not in EVENT_TYPES and name not in self._known:
            self.without_role[name if len(self.without_role) < NAMES_MAX else OTHERS] += 1
        counts["duplicates"] += sum(one == "duplicates" for one in step.counts)
        if IGNORED_COUNT in step.counts:
            counts["ignored"] = counts.get("ignored", 0) + 1
        counts["decisions"] += len(step.decisions)
        counts["actions"] += sum(one.action_id != NOTHING for one, _ in step.decisions)

    def ranker(self, version: str) -> XgboostRanker:
        """The model of a version; raises ConfigError where the trial had none such."""
        try:
            return self.rankers[version]
        except KeyError:
            raise ConfigError(f"model {version} is not the one that was tried") from None


def try_files(config: Config, files: EventFiles, world: World, shown: Shown) -> None:
    """Tries files as one log, which is what `kairos try` does; raises ConfigError, UnusableInput where too little is an event."""
    if not files.paths:
        raise ConfigError("try needs a file of events")
    policy = DEFAULT_POLICY if world.policy is None else world.policy
    notices = Notices(policy.own_names)
    # a file's clock is its events', so none of them lies ahead of it
    trial = Trial(files.read(EVENT_TIME_MAX_MS, notices), world, config)
    if shown.why is not None:
        explain_one(trial, shown.why, is_json=shown.is_json)
        return
    show_trial(trial, is_json=shown.is_json, shows_all=shown.has_nothing)
    for notice in notices:
        say(in_words(notice))
    check(trial.counts)


def show_trial(trial: Trial, *, is_json: bool, shows_all: bool) -> None:
    """Prints what is decided as it comes, then the counts; in words only what was offered, unless `shows_all`."""
    for one in trial.run():
        if is_json:
            for decision, _ in one.decisions:
                show_json(decision_json(decision))
            for letter in one.dead_letters:
                show_json({"dead_letter": letter_json(letter)})
        else:
            for line in said(trial.knowledge, one, shows_all):
                show(line)
    granted = trial.knowledge.assumed
    if is_json:
        without = {"events_without_role": dict(trial.without_role.most_common())}
        told = {"counts": trial.counts, "assumed_consent": sorted(granted)}
        show_json(told | (without if trial.without_role else {}))
    else:
        show(f"{summary(trial.counts)}; {granted_in_words(granted)}")


def explain_one(trial: Trial, decision_id: str, *, is_json: bool) -> None:
    """Explains the decision of this id, or the only one that begins so; raises ConfigError where there is none."""
    found = {
        decision.decision_id: (decision, trace)
        for one in trial.run()
        for decision, trace in one.decisions
        if decision.decision_id.startswith(decision_id)
    }
    if decision_id in found:
        made = found[decision_id]
    elif len(found) == 1 and decision_id:
        made = next(iter(found.values()))
    else:
        raise ConfigError(
            f"{len(found) or 'none'} of {trial.counts['decisions']:,} decisions begin with {decision_id!r}: "
            "run it without --why to see their ids"
        )
    explained: Explained = explain(*made, trial.ranker)
    show_json(explained_json(explained)) if is_json else show_explained(explained, None)


def decision_json(decision: Decision) -> dict[str, Any]:
    """The decision as builtins, under the names that it has on the topic."""
    told = msgspec.to_builtins(decision)
    return {name: told[name] for name in SHOWN}


def letter_json(letter: DeadLetter) -> dict[str, Any]:
    """Why something is no event, and where it stands: `line` counts from 1, in the file or, behind it, in order of time."""
    return {
        "reason": letter.reason,
        "message": letter.message,
        "file": letter.topic.removeprefix(f"{TOPIC}:"),
        "line": letter.offset + 1,
        "event_time_ms": letter.event_time_ms,
    }


def said(knowledge: Knowledge, one: Tried, shows_all: bool) -> Iterator[str]:
    """The lines for a person: what happened, then what was decided on it, each with its reason."""
    for letter in one.dead_letters:
        place = letter_json(letter)
        yield f"no event: {place['file']}, line {place['line']}: {letter.message}"
    decisions = [
        one for one, _ in one.decisions if shows_all or one.action_id != NOTHING or one.items
    ]
    if not decisions:
        return
    event, first = one.event, decisions[0]
    what = event.event_type if event is not None else "a decision ran out"
    about = ", ".join(name_of(knowledge, item, first) for item in (event.item_ids if event else ()))
    yield f"{utc(first.event_time_ms)}  {first.person}  {what}{f' {about}' if about else ''}"
    for decision in decisions:
        items = [name_of(knowledge, item.item_id, decision) for item in decision.items]
        more = f" and {len(items) - ITEMS_SHOWN} more" if len(items) > ITEMS_SHOWN else ""
        slate = f": {', '.join(items[:ITEMS_SHOWN])}{more}" if items else ""
        yield f"    {decision.placement} -> {decision.action_id}{slate}"
        yield f"        {decision.explanation}  ({decision.decision_id})"


def name_of(knowledge: Knowledge, item_id: str, decision: Decision) -> str:
    """What the item is called in the catalogue; without it, its id."""
    item = knowledge.item_at(item_id, decision.event_time_ms)
    return item.name if item is not None and item.name else item_id
