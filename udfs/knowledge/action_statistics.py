"""What the stream has taught about actions, epoch by epoch."""

from collections import deque
from typing import Final, NamedTuple

from schemas.knowledge import ActionKnowledge, ActionRecord
from schemas.limits import EPOCH_RECORDS_MAX, EPOCHS_KEPT, OPEN_EPOCHS_MAX

ACTION_KEYS_MAX: Final = 200_000
"""Actions, and actions by placement and context, in one operator; at the bound the one that changed longest
ago is forgotten."""

Records = dict[str, ActionKnowledge]


class _Complete(NamedTuple):
    """An epoch that waits for its time, with its records; epochs come in their order."""

    effective_from_ms: int
    records: Records


class ActionStatistics:
    """Action knowledge by epoch: the newest, and what the last `kept` held before.

    As with items (`udfs/knowledge/item_statistics.py`): an epoch becomes visible once its end marker is there and
    `advance` has reached its time. Some 1 kB a version of an action, a fifth of it by placement and context.
    """

    def __init__(self, kept: int = EPOCHS_KEPT) -> None:
        self._kept = kept
        self._actions: dict[str, list[ActionKnowledge]] = {}
        self._open: dict[int, Records] = {}
        self._complete: deque[_Complete] = deque()
        self._newest_complete = 0
        self.epochs_dropped = 0
        """Epochs without an end that were forgotten, at the bound of how many are kept."""

    def learn(self, record: ActionRecord) -> None:
        """Takes a record of an epoch, or its end. A repeat changes nothing."""
        if record.epoch <= self._newest_complete:
            return
        if isinstance(record, ActionKnowledge):
            of_epoch = self._open.setdefault(record.epoch, {})
            if record.key in of_epoch or len(of_epoch) < EPOCH_RECORDS_MAX:
                of_epoch[record.key] = record
            if len(self._open) > OPEN_EPOCHS_MAX:
                del self._open[min(self._open)]
                self.epochs_dropped += 1
            return
        self._newest_complete = record.epoch
        records = self._open.pop(record.epoch, {})
        # what is left was half-written, by a writer that was restarted
        self._open = {epoch: one for epoch, one in self._open.items() if epoch > record.epoch}
        if records:
            self._complete.append(_Complete(record.effective_from_ms, records))

    def advance(self, now_ms: int) -> None:
        """Brings into force every complete epoch whose time has come."""
        while self._complete and self._complete[0].effective_from_ms <= now_ms:
            records = self._complete.popleft().records
            for key in sorted(records):
                self._add(records[key])

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
