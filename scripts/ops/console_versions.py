"""Policies and models as the console shows, checks and changes them: as `kairos policy` and `kairos model` do."""

from collections.abc import Sequence
from zoneinfo import ZoneInfo

from channels.api.audit_log import Actor
from channels.console.facts import Shown
from channels.console.policy_bodies import PolicyText
from jobs.config import Config
from jobs.learning.artefact_check import artefacts_of
from jobs.learning.trust import keys_of, signer_of
from jobs.publish import AHEAD_MS, Log, now_ms
from log.kafka import read_to_end
from models.artefact import SUFFIX
from models.content import Published
from schemas.errors import ConfigError
from schemas.policy import Policy
from schemas.topics import CONTROL as CONTROL_TOPIC
from scripts.change import Change
from scripts.ops.audited_change import Audited, change_model, change_policy
from scripts.ops.kept_answer import Kept
from scripts.ops.local_audit import audit_log_of
from scripts.policy import policy_versions
from scripts.policy.moments import time_ahead
from scripts.policy.policy_file import PolicyMistakes, check_policy, summary
from scripts.policy.policy_text import difference_text, differences, policy_yaml
from scripts.policy.policy_versions import (
    Draft,
    PolicyVersion,
    draft_again,
    find_version,
    live,
    version_of,
    warnings_of,
)
from scripts.training import model_versions
from scripts.training.model_guard import check, doubts_of
from scripts.training.model_versions import Announced


class ConsoleVersions:
    """What is, was and will be in force at one Kafka."""

    def __init__(self, config: Config, kafka: str) -> None:
        self._config, self._kafka, self._prefix = config, kafka, config.topic_prefix
        self._keys = keys_of(config)
        self._audit = audit_log_of(config)
        self._control = Kept(lambda: list(read_to_end(self._kafka, [self._prefix + CONTROL_TOPIC])))

    def policy(self, version: str) -> Shown:
        """A published policy as a file's text; the live one for an empty version."""
        versions = policy_versions.versions_in(self._control(), self._keys)
        found = find_version(version, versions) if version else live(versions, now_ms())
        policy = draft_again(found).policy
        return {
            "version": found.version,
            "effective_from_ms": found.effective_from_ms,
            "text": policy_yaml(policy),
            "summary": summary(policy),
            "changes": _changes(versions, policy) if version else [],
        }

    def check(self, text: str) -> Shown:
        """What is wrong in a policy's text, by line, and what differs from the live one."""
        try:
            checked = check_policy(text)
        except PolicyMistakes as error:
            return {"is_ok": False, "mistakes": [one._asdict() for one in error.mistakes]}
        versions = policy_versions.versions_in(self._control(), self._keys)
        return {
            "is_ok": True,
            "version": version_of(checked.policy),
            "summary": summary(checked.policy),
            "warnings": [one._asdict() for one in checked.warnings],
            "notes": checked.notes,
            "time_zone": checked.policy.time_zone,
            "changes": _changes(versions, checked.policy),
        }

    def publish_policy(self, actor: Actor, given: PolicyText) -> Shown:
        """Checks a policy's text and puts it in force, as `kairos policy publish` does: at once, or from a time on."""
        policy = check_policy(given.text).policy
        from_ms, until_ms = (
            time_ahead(text, field, ZoneInfo(policy.time_zone), now_ms())
            for field, text in (("From", given.starts), ("Until", given.ends))
        )
        now = policy_versions.in_force(self._versions(), now_ms())
        name = now.name if now else "default"
        draft = Draft(
            version_of(policy), name, policy, given.note, until_ms=until_ms, reason=given.note
        )
        return self._change_policy(Audited(self._audit, actor, "publish"), draft, from_ms)

    def roll_back_policy(self, actor: Actor, version: str) -> Shown:
        """Puts a version in force again, the one before the present one for an empty version."""
        versions = self._versions()
        if version:
            draft = draft_again(find_version(version, versions))
        else:
            # before the one that a change made now would follow: also where that one was published a moment ago
            draft = policy_versions.previous(versions, now_ms() + AHEAD_MS)
        return self._change_policy(Audited(self._audit, actor, "rollback"), draft)

    def models(self) -> list[Shown]:
        """Every model that was trained here or announced, and which is live."""
        return model_versions.listed_json(self._config, self._models())

    def publish_model(self, actor: Actor, version: str, *, is_forced: bool) -> Shown:
        """Puts a model in force, as `kairos model publish` does."""
        if "/" in version or version.endswith(SUFFIX):
            raise ConfigError("name a version, not a file")
        published = model_versions.find_artefact(version, self._config)
        doubts = doubts_of(published, self._config)
        check(published.version, doubts, is_forced=is_forced)
        return self._change_model(Audited(self._audit, actor, "publish"), published, doubts)

    def roll_back_model(self, actor: Actor) -> Shown:
        """Puts the model in force again that was before the present one."""
        models = model_versions.called(self._models())
        before = model_versions.previous(models, now_ms(), artefacts_of(self._config))
        return self._change_model(Audited(self._audit, actor, "rollback"), before)

    def _live_policy(self) -> Policy:
        versions = policy_versions.versions_in(self._control(), self._keys)
        found = policy_versions.in_force(versions, now_ms())
        return found.policy if found and found.policy else Policy()

    def _versions(self) -> list[PolicyVersion]:
        """As they are now: a change does not rest on what was looked up before."""
        return policy_versions.announced(self._kafka, self._prefix, self._keys)

    def _models(self) -> list[Announced]:
        """The same of rankers."""
        return model_versions.announced(self._kafka, self._prefix, self._keys)

    def _change_policy(self, audited: Audited, draft: Draft, from_ms: int | None = None) -> Shown:
        change = change_policy(audited, self._log(), self._versions(), draft, from_ms)
        return self._changed(change) | {"warnings": warnings_of(draft.policy)}

    def _change_model(
        self, audited: Audited, published: Published, forced: Sequence[str] = ()
    ) -> Shown:
        change = change_model(audited, self._log(), self._models(), published, None, forced)
        return self._changed(change)

    def _changed(self, change: Change) -> Shown:
        self._control.forget()
        shown: Shown = change._asdict()
        return shown

    def _log(self) -> Log:
        return Log(self._kafka, self._prefix, sign=signer_of(self._config))


def _changes(versions: list[PolicyVersion], policy: Policy) -> list[str]:
    now = policy_versions.in_force(versions, now_ms())
    if now is None or now.policy is None:
        return []
    return [difference_text(one) for one in differences(now.policy, policy)]
