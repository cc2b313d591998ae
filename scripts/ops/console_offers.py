"""Offers by form on the console: the policy's own document underneath, published as `kairos policy publish` does."""

from threading import Lock
from typing import Final

import msgspec

from channels.api.audit_log import Actor
from channels.console.facts import Shown
from channels.console.offer_bodies import OfferBack, OfferChange
from channels.console.policy_bodies import PolicyText
from jobs.config import Config
from jobs.publish import AHEAD_MS, now_ms
from schemas.errors import ConfigError
from schemas.policy import Policy
from scripts.audit.what_if import WhatIf
from scripts.audit.what_if_child import Wanted
from scripts.ops.audited_change import save_draft
from scripts.ops.console_drafts import ConsoleDrafts
from scripts.ops.counting import NotCounted, ask, command_of, place_of
from scripts.ops.offer_reach import OfferReach
from scripts.policy import policy_versions
from scripts.policy.drafts import draft_json, new_draft
from scripts.policy.offer_form import (
    CONSENT,
    TEXTS,
    Drafted,
    FormFaults,
    form_of,
    languages_of,
    offers_in,
    with_offer,
    without_offer,
)
from scripts.policy.offer_rows import hows_of, types_of
from scripts.policy.offer_who import kept_of
from scripts.policy.policy_file import PolicyMistakes, check_policy
from scripts.policy.policy_text import difference_text, differences, policy_yaml
from scripts.policy.policy_versions import PolicyVersion, draft_again, live
from udfs.facts.attributes import ATTRIBUTES

MEANINGS: Final = {one.attribute: one.meaning for one in ATTRIBUTES}


class ConsoleOffers(ConsoleDrafts):
    """One offer at a time, of the policy that a change made now would follow."""

    def __init__(self, config: Config, kafka: str) -> None:
        super().__init__(config, kafka)
        self._comparing = Lock()
        self._reach = OfferReach(kafka, self._prefix)

    def offers(self) -> Shown:
        """The offers of the policy, and what a form may choose from."""
        base = _base(policy_versions.versions_in(self._control(), self._keys))
        policy = draft_again(base).policy
        return {
            "base": base.version,
            "currency": policy.currency,
            "time_zone": policy.time_zone,
            "languages": languages_of(policy),
            "texts": TEXTS,
            "placements": [{"name": one.name, "page": one.page} for one in policy.placements],
            "choices": _choices(policy),
            "offers": [
                {"form": msgspec.to_builtins(form_of(one, policy)), "kept": kept_of(one, policy)}
                for one in offers_in(policy)
            ],
        }

    def preview_offer(self, given: OfferChange) -> Shown:
        """How it would look and what would change; or what is wrong, by field (empty: the policy as a whole)."""
        base = self._base_of(given.base, policy_versions.versions_in(self._control(), self._keys))
        before = draft_again(base).policy
        try:
            drafted = with_offer(before, given.offer, is_new=given.is_new)
        except FormFaults as error:
            return {"is_ok": False, "faults": error.faults}
        try:
            checked = check_policy(policy_yaml(drafted.policy))
        except PolicyMistakes as error:
            return {"is_ok": False, "faults": _faults(error, drafted)}
        return {
            "is_ok": True,
            "cards": _cards(checked.policy, given.offer.id),
            "changes": [difference_text(one) for one in differences(before, checked.policy)],
            "warnings": [one.message for one in checked.warnings if drafted.field_of(one.field)],
        }

    def reach_of_offer(self, given: OfferChange) -> Shown:
        """About how many people a day meet it, by last week's log; empty while the form has mistakes."""
        base = self._base_of(given.base, policy_versions.versions_in(self._control(), self._keys))
        try:
            drafted = with_offer(draft_again(base).policy, given.offer, is_new=given.is_new)
            policy = check_policy(policy_yaml(drafted.policy)).policy
        except (FormFaults, PolicyMistakes):
            return {"sentence": ""}
        return {"sentence": self._reach(policy, given.offer.id)}

    def what_if_of_offer(self, given: OfferChange) -> Shown:
        """What the policy with this offer would have decided otherwise, over the newest of last week's log."""
        base = self._base_of(given.base, policy_versions.versions_in(self._control(), self._keys))
        before = draft_again(base).policy
        drafted = with_offer(before, given.offer, is_new=given.is_new)
        return self._compared(before, check_policy(policy_yaml(drafted.policy)).policy)

    def what_if(self, text: str) -> Shown:
        """What a policy would have decided otherwise, likewise."""
        versions = policy_versions.versions_in(self._control(), self._keys)
        return self._compared(draft_again(_base(versions)).policy, check_policy(text).policy)

    def _compared(self, before: Policy, draft: Policy) -> Shown:
        """One at a time: each takes a processor for a while."""
        if not self._comparing.acquire(blocking=False):
            raise ConfigError("another draft is being compared: ask again in a moment")
        try:
            wanted = Wanted(place_of(self._kafka, self._prefix), before, draft)
            found = ask(command_of("scripts.audit.what_if_child"), wanted, WhatIf)
        except NotCounted as error:
            raise ConfigError(f"what would have been otherwise is not known: {error}") from error
        finally:
            self._comparing.release()
        shown: Shown = msgspec.to_builtins(found)
        return shown

    def draft_offer(self, actor: Actor, given: OfferChange) -> Shown:
        """Keeps the policy with this offer as a draft of the offer's name, in place of an older one."""
        before = draft_again(self._base_of(given.base, self._versions())).policy
        drafted = with_offer(before, given.offer, is_new=given.is_new)
        text = policy_yaml(drafted.policy)
        draft = new_draft(given.offer.id, text, given.note, actor.who)
        save_draft(self._audit, actor, self._drafts, draft)
        return draft_json(draft)

    def publish_offer(self, actor: Actor, given: OfferChange) -> Shown:
        """Publishes the policy with this offer; raises ConfigError where the policy is another one meanwhile."""
        before = draft_again(self._base_of(given.base, self._versions())).policy
        drafted = with_offer(before, given.offer, is_new=given.is_new)
        return self.publish_policy(actor, PolicyText(policy_yaml(drafted.policy), given.note))

    def take_back_offer(self, actor: Actor, given: OfferBack) -> Shown:
        """Publishes the policy without this offer; raises ConfigError where something else in it names the offer."""
        before = draft_again(self._base_of(given.base, self._versions())).policy
        text = policy_yaml(without_offer(before, given.id))
        try:
            check_policy(text)
        except PolicyMistakes as error:
            places = ", ".join(sorted({one.field for one in error.mistakes}))
            raise ConfigError(
                f"{given.id} cannot be taken back by itself: the policy names it elsewhere, too ({places}). "
                "Change that on the page Policy first, or let the offer end by its date"
            ) from error
        return self.publish_policy(actor, PolicyText(text, given.note))

    def _base_of(self, version: str, versions: list[PolicyVersion]) -> PolicyVersion:
        """The policy that a form began with; raises ConfigError where a change would follow another one now."""
        base = _base(versions)
        if base.version != version:
            raise ConfigError(
                f"the policy was changed meanwhile ({base.version} by {base.author or 'somebody'}): "
                "load the offers again, and make the change there"
            )
        return base


def _base(versions: list[PolicyVersion]) -> PolicyVersion:
    """The policy that one published now would take the place of."""
    return live(versions, now_ms() + AHEAD_MS)


def _choices(policy: Policy) -> list[Shown]:
    """What a condition may be about: its name, type, the ways to compare it, and what it means."""
    segments = {f"segment.{one.name}": one.when for one in policy.segments}
    return [
        {
            "of": name,
            "type": str(kind),
            "hows": hows_of(kind),
            "meaning": segments.get(name) or MEANINGS.get(name, ""),
        }
        for name, kind in types_of(policy).items()
    ]


def _cards(policy: Policy, action_id: str) -> list[Shown]:
    """The offer's texts in each language that it has, as a channel gets them but for their placeholders."""
    action = next(one for one in policy.actions if one.id == action_id)
    content = action.treatments[0].content
    used = {language for texts in (action.reason, *content.values()) for language in texts}
    return [
        {
            "language": language,
            "content": {
                name: texts[language] for name, texts in content.items() if language in texts
            },
            "reason": action.reason.get(language, ""),
            "placements": [
                one.name
                for one in policy.placements
                if one.name in action.placements or action_id in one.actions
            ],
            "needs_consent": CONSENT in action.purposes,
        }
        for language in languages_of(policy)
        if language in used
    ]


def _faults(error: PolicyMistakes, drafted: Drafted) -> dict[str, str]:
    """Each field's first mistake; those of no field together, with their places."""
    found: dict[str, str] = {}
    for one in error.mistakes:
        field = drafted.field_of(one.field)
        said = one.message if field else f"{one.field}: {one.message}"
        if not field and "" in found:
            found[""] += f"; {said}"
        else:
            found.setdefault(field, said)
    return found
