"""Drafts and the schedule on the console: as `kairos policy draft`, `scheduled` and `take-back` have them."""

from channels.api.audit_log import Actor
from channels.console.facts import Shown
from channels.console.policy_bodies import Announced, DraftText
from jobs.config import Config
from jobs.publish import now_ms
from scripts.ops.audited_change import Audited, delete_draft, save_draft
from scripts.ops.console_versions import ConsoleVersions
from scripts.policy import policy_versions
from scripts.policy.drafts import Drafts, draft_json, new_draft
from scripts.policy.policy_versions import history_json
from scripts.policy.schedule import scheduled_json, taking_back


class ConsoleDrafts(ConsoleVersions):
    """What is not in force: drafts of this home, and what was published for a time to come."""

    def __init__(self, config: Config, kafka: str) -> None:
        super().__init__(config, kafka)
        self._drafts = Drafts(config)

    def drafts(self) -> Shown:
        """The drafts, the one saved last first, each with what its version is: live, coming …"""
        versions = policy_versions.versions_in(self._control(), self._keys)
        rows = history_json(versions, now_ms())
        # of a version that was published twice the row that holds longest counts: the newest comes first
        states = {one["version"]: one["state"] for one in reversed(rows)}
        states |= {one["version"]: "live" for one in rows if one["state"] == "live"}
        return {"drafts": [draft_json(one, states) for one in self._drafts.all()]}

    def draft(self, name: str) -> Shown:
        """A draft with its text."""
        found = self._drafts.find(name)
        return draft_json(found) | {"text": found.text}

    def save_draft(self, actor: Actor, given: DraftText) -> Shown:
        """Keeps a draft, with mistakes or without, unless somebody has saved another one of its name meanwhile."""
        draft = new_draft(given.name, given.text, given.note, actor.who)
        save_draft(self._audit, actor, self._drafts, draft, given.seen_ms)
        return draft_json(draft)

    def delete_draft(self, actor: Actor, name: str) -> Shown:
        """Deletes a draft."""
        return draft_json(delete_draft(self._audit, actor, self._drafts, name))

    def scheduled(self) -> Shown:
        """What was published for a time to come, and what will end."""
        versions = policy_versions.versions_in(self._control(), self._keys)
        return {"scheduled": scheduled_json(versions, now_ms())}

    def take_back_policy(self, actor: Actor, given: Announced) -> Shown:
        """Takes a version back before it begins."""
        back = taking_back(self._versions(), given.version, given.effective_from_ms, now_ms())
        return self._change_policy(
            Audited(self._audit, actor, "take back"), back.draft, back.from_ms
        )
