"""What the stream has taught about actions, epoch by epoch."""

from typing import Final

from schemas.knowledge import ActionKnowledge, ActionRecord
from schemas.limits import EPOCHS_KEPT
from udfs.knowledge.whole_epochs import Key, WholeEpochs

ACTION_KEYS_MAX: Final = 200_000
"""Actions, and actions by placement and context, in one operator; at the bound the one that changed longest
ago is forgotten."""


class ActionStatistics:
    """Action knowledge by epoch: the newest, and what the last `kept` held before.

    As with items (`udfs/knowledge/item_statistics.py`): an epoch becomes visible once its end marker is there and
    `advance` has reached its time. Some 1 kB a version of an action, a fifth of it by placement and context.
    """

    def __init__(self, kept: int = EPOCHS_KEPT) -> None:
        self._kept = kept
        self._actions: dict[str, list[ActionKnowledge]] = {}
        self._coming = WholeEpochs[ActionKnowledge](_key_of, {"action": ACTION_KEYS_MAX})

    @property
    def epochs_dropped(self) -> int:
        """Epochs without an end that were forgotten, at the bound of how many are kept."""
        return self._coming.dropped

    def learn(self, record: ActionRecord) -> None:
        """Takes a record of an epoch, or its end. A repeat changes nothing."""
        if isinstance(record, ActionKnowledge):
            self._coming.take(record)
        else:
            self._coming.end(record)

    def advance(self, now_ms: int) -> None:
        """Brings into force every complete epoch whose time has come."""
        for whole in self._coming.due(now_ms):
            for record in whole.records:
                self._add(record)

    def action(self, key: str, epoch: int) -> ActionKnowledge | None:
        """What was known under the key (`schemas.knowledge.action_key`) in `epoch`."""
        for one in reversed(self._actions.get(key, ())):
            if one.epoch <= epoch:
                return one
        return None

    def _add(self, record: ActionKnowledge) -> None:
        versions = self._actions.pop(record.key, [])
        versions.append(record)
        while len(versions) > 1 and versions[1].epoch <= record.epoch - self._kept:
            del versions[0]
        # at the end: the first is the one that changed longest ago
        self._actions[record.key] = versions
        if len(self._actions) > ACTION_KEYS_MAX:
            del self._actions[next(iter(self._actions))]


def _key_of(record: ActionKnowledge) -> Key:
    return record.kind, record.key
