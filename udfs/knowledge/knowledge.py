"""What the engine knows beyond one person, by time: an event at t sees the newest effective at t.

A mutable holder that each operator fills from the topics at start and from the broadcast after.
Records of one piece of knowledge are ordered by (effective_from_ms, position in its topic), so
applying a record twice, or in another order, changes nothing.
"""

from collections.abc import Mapping
from copy import copy
from typing import Final, NamedTuple

from models.response import ResponseModel
from models.scorer import Scorer
from models.vectors import ItemVectors
from schemas.currencies import Rates
from schemas.decisions import Versions
from schemas.errors import ConfigError
from schemas.events import PURPOSES
from schemas.items import Item, Uncatalogued
from schemas.knowledge import ActionKnowledge, EpochEnd, KnowledgeRecord
from schemas.limits import EPOCHS_KEPT, RANKERS_MAX
from schemas.policy import RANKER
from udfs.knowledge.action_statistics import ActionStatistics
from udfs.knowledge.catalogue import Catalogue, CatalogueUntil
from udfs.knowledge.erasures import Erasures
from udfs.knowledge.item_statistics import ItemStatistics
from udfs.knowledge.versions import Entry, Timeline
from udfs.policy.compiled_policy import CompiledPolicy

NO_OTHERS: Final[Mapping[str, Scorer]] = {}


class Known(NamedTuple):
    """What is in force at one moment. `policy` None: nothing may be decided; `scorer` None: no model;
    `responses` None: none of how people respond to actions. `others`: models that are asked for by their names. `vectors`: of items, where
    a training has learnt them on its way; else a model brings its own.
    """

    policy: CompiledPolicy | None
    policy_version: str
    scorer: Scorer | None
    catalogue_ms: int
    epoch: int
    responses: ResponseModel | None = None
    others: Mapping[str, Scorer] = NO_OTHERS
    vectors: ItemVectors | None = None


class Knowledge:
    """All knowledge of one operator. `prune` bounds it live; a replay keeps every version.

    `epochs_kept`: how far back what the stream taught can be seen; an audit may need to look further. `assumed`: the purposes
    that are granted where a person said nothing of consent. `keeps_raw`: dead letters hold addresses and numbers as they were sent.
    """

    def __init__(
        self,
        epochs_kept: int = EPOCHS_KEPT,
        uncatalogued: Uncatalogued = "when_empty",
        assumed: frozenset[str] = frozenset(PURPOSES),
        *,
        keeps_raw: bool = False,
    ) -> None:
        self._uncatalogued = uncatalogued
        self.assumed, self.keeps_raw = assumed, keeps_raw
        self.erasures = Erasures()
        self.catalogue = Catalogue()
        self.statistics = ItemStatistics(epochs_kept)
        self.actions = ActionStatistics(epochs_kept)
        self._policies: Timeline[CompiledPolicy] = Timeline()
        self._scorers: Timeline[Scorer] = Timeline()
        self._others: dict[str, Timeline[Scorer]] = {}
        self._responses: Timeline[ResponseModel] = Timeline()
        self._vectors: Timeline[ItemVectors] = Timeline()

    def add_item(self, item: Item, position: int) -> None:
        """Adds one version of an item; `position` is its offset in the topic `items`."""
        self.catalogue.add(item, position)

    def add_rates(self, version: str, effective_from_ms: int, position: int, rates: Rates) -> None:
        """Adds one version of what currencies are worth."""
        self.catalogue.add_rates(Entry(effective_from_ms, position, version, rates))

    def add_policy(
        self, version: str, effective_from_ms: int, position: int, policy: CompiledPolicy
    ) -> None:
        """Adds one version of the policy."""
        self._policies.add(Entry(effective_from_ms, position, version, policy))

    def add_model(
        self,
        version: str,
        effective_from_ms: int,
        position: int,
        scorer: Scorer,
        name: str = RANKER,
    ) -> None:
        """Adds one version of the model of that name; raises ConfigError for one name too many."""
        if name == RANKER:
            timeline = self._scorers
        elif name in self._others or len(self._others) < RANKERS_MAX:
            timeline = self._others.setdefault(name, Timeline())
        else:
            raise ConfigError(f"model {name}: {RANKERS_MAX} others have names already")
        timeline.add(Entry(effective_from_ms, position, version, scorer))

    def add_responses(
        self, version: str, effective_from_ms: int, position: int, responses: ResponseModel
    ) -> None:
        """Adds one version of the model of how people respond to actions."""
        self._responses.add(Entry(effective_from_ms, position, version, responses))

    def add_vectors(self, effective_from_ms: int, vectors: ItemVectors) -> None:
        """Adds what a training has learnt by then of where items lie."""
        self._vectors.add(Entry(effective_from_ms, 0, vectors.version, vectors))

    def learn(self, record: KnowledgeRecord) -> bool:
        """Takes a record of the topic `knowledge`; True where it completes an epoch."""
        if isinstance(record, ActionKnowledge):
            self.actions.learn(record)
            return False
        if isinstance(record, EpochEnd):
            self.actions.learn(record)
        return self.statistics.learn(record)

    @property
    def epochs_dropped(self) -> int:
        """Epochs without an end that were forgotten: at the bound the oldest goes."""
        return self.statistics.epochs_dropped + self.actions.epochs_dropped

    def advance(self, now_ms: int) -> None:
        """Brings into force the complete epochs whose time has come; call it in order of time."""
        self.statistics.advance(now_ms)
        self.actions.advance(now_ms)

    def policy_at(self, time_ms: int) -> CompiledPolicy | None:
        """The policy in force at `time_ms`."""
        policy = self._policies.at(time_ms)
        return policy.value if policy else None

    def at(self, time_ms: int, epoch_ms: int | None = None) -> Known:
        """What is in force at `time_ms`; the epoch is that of `epoch_ms`, where that is another."""
        policy = self._policies.at(time_ms)
        scorer = self._scorers.at(time_ms)
        responses = self._responses.at(time_ms)
        vectors = self._vectors.at(time_ms)
        return Known(
            policy.value if policy else None,
            policy.version if policy else "none",
            scorer.value if scorer else None,
            self.catalogue.time_at(time_ms),
            self.statistics.epoch_at(time_ms if epoch_ms is None else epoch_ms),
            responses.value if responses else None,
            self._others_at(time_ms) if self._others else NO_OTHERS,
            vectors.value if vectors else None,
        )

    def _others_at(self, time_ms: int) -> Mapping[str, Scorer]:
        entries = ((name, timeline.at(time_ms)) for name, timeline in self._others.items())
        return {name: entry.value for name, entry in entries if entry is not None}

    def named(self, known: Known, versions: Versions) -> tuple["Knowledge", Known]:
        """What a decision saw that names `versions`, where by its time it should have seen `known`.

        A policy that is not here stays that of its time; a model that is not here is none. One that has a name is that one, and the others are those
        of their time.
        """
        policy = self._policies.named(versions.policy)
        others = {
            name: entry.value
            for name, timeline in self._others.items()
            if (entry := timeline.named(versions.model)) is not None
        }
        entry = self._scorers.named(versions.model)
        scorer = known.scorer if others else None
        if policy is not None:
            known = known._replace(policy=policy.value, policy_version=policy.version)
        known = known._replace(
            scorer=entry.value if entry else scorer,
            others={**known.others, **others} if others else known.others,
            epoch=versions.knowledge,
        )
        if versions.catalogue >= known.catalogue_ms:
            return self, known
        seen = copy(self)
        seen.catalogue = CatalogueUntil(self.catalogue, versions.catalogue)
        return seen, known._replace(catalogue_ms=versions.catalogue)

    def under(self, version: str, policy: CompiledPolicy) -> "Knowledge":
        """The same, which goes on learning with this one, but for the policy: this one, in force since ever."""
        seen = copy(self)
        seen._policies = Timeline()
        seen.add_policy(version, 0, 0, policy)
        return seen

    def item_at(self, item_id: str, time_ms: int) -> Item | None:
        """The item as it is at `time_ms`; None if it is unknown, not yet there or gone."""
        return self.catalogue.at(item_id, time_ms)

    def is_known(self, item_id: str, time_ms: int) -> bool:
        """Whether the item may be learnt of, and offered by us, at `time_ms`: anybody can make up ids.

        By what the catalogue held then, so a replay says the same.
        """
        if self._uncatalogued == "always" or self.catalogue.names(item_id, time_ms):
            return True
        return self._uncatalogued == "when_empty" and self.catalogue.is_empty(time_ms)

    def prune(self, before_ms: int) -> None:
        """Forgets versions that no event at or after `before_ms` can see."""
        self._policies.prune(before_ms)
        self._scorers.prune(before_ms)
        self._responses.prune(before_ms)
        for timeline in self._others.values():
            timeline.prune(before_ms)
        self.catalogue.prune(before_ms)
