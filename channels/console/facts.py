"""What the console shows and changes: an interface, because it rests on layers that channels may not import."""

from collections.abc import Iterable, Mapping
from typing import Any, Protocol

from channels.api.audit_log import Actor
from channels.console.letter_bodies import LetterEdits
from channels.console.offer_bodies import OfferBack, OfferChange
from channels.console.policy_bodies import Announced, DraftText, PolicyText

Shown = dict[str, Any]
"""One JSON object."""


class Facts(Protocol):
    """Each call may take seconds, so it runs in a worker thread. It raises ConfigError where it cannot answer."""

    def live(self) -> Shown:
        """What is in force: policy, models, experiments, the history of versions, the services."""

    def traffic(self) -> Shown:
        """The last minutes: events and decisions a second, action mix, latencies beside their budgets."""

    def letters(self) -> Shown:
        """The newest dead letters, and how many there are by reason."""

    def letter_kinds(self) -> Shown:
        """How many dead letters there are by reason and topic, over all of the log."""

    def repair_letters(self, actor: Actor, given: LetterEdits) -> Shown:
        """What edits would make of dead letters, field by field; who looked stands in the audit log."""

    def replay_letters(self, actor: Actor, given: LetterEdits) -> Shown:
        """Sends dead letters through the front door, mended, each once, as `kairos dead-letters replay` does."""

    def person(self, named: str) -> Shown | None:
        """The newest decisions for a person, an anonymous id or a session; None = nothing is known."""

    def limits(self, person: str) -> Shown:
        """What a person has spent of each limited action."""

    def today(self) -> Shown:
        """What became of every action today, over all people, who met a limit, and what budgets have spent."""

    def experiments(self) -> Shown:
        """Every experiment of the live policy, its verdict in words, and what personalisation earns against the holdout."""

    def business(self, by: str, value: str) -> Shown | None:
        """The KPIs by day against the holdout, of all (`all`) or of one value of a dimension; None where nothing is known of it."""

    def catalogue(self, words: str, offset: int) -> Shown:
        """A page of the items that hold these words; all of them without."""

    def recent(self) -> Shown:
        """The newest decisions of all people."""

    def decision(self, decision_id: str) -> Shown | None:
        """How a decision came about: the funnel, what became of each action and candidate, and why."""

    def why_not(self, person: str, action_id: str) -> Shown | None:
        """Why the person did not get the action, in one sentence; None = there is no decision for them."""

    def policy(self, version: str) -> Shown:
        """A published policy as a file's text; the live one for an empty version."""

    def check(self, text: str) -> Shown:
        """What is wrong in a policy's text, by line, and what differs from the live one."""

    def what_if(self, text: str) -> Shown:
        """What a policy would have decided otherwise, likewise."""

    def publish_policy(self, actor: Actor, given: PolicyText) -> Shown:
        """Checks a policy's text and puts it in force, as `kairos policy publish` does: at once, or from a time on."""

    def roll_back_policy(self, actor: Actor, version: str) -> Shown:
        """Puts a version in force again, the one before the present one for an empty version."""

    def drafts(self) -> Shown:
        """The drafts of policies, the one saved last first."""

    def draft(self, name: str) -> Shown:
        """A draft with its text."""

    def save_draft(self, actor: Actor, given: DraftText) -> Shown:
        """Keeps a draft, with mistakes or without, unless somebody has saved another one of its name meanwhile."""

    def delete_draft(self, actor: Actor, name: str) -> Shown:
        """Deletes a draft."""

    def scheduled(self) -> Shown:
        """What was published for a time to come, and what will end."""

    def take_back_policy(self, actor: Actor, given: Announced) -> Shown:
        """Takes a version back before it begins."""

    def offers(self) -> Shown:
        """The offers of the policy as forms, and what a form may choose from."""

    def preview_offer(self, given: OfferChange) -> Shown:
        """How an offer would look and what would change; or what is wrong, by field."""

    def reach_of_offer(self, given: OfferChange) -> Shown:
        """About how many people a day meet an offer, by last week's log; empty while the form has mistakes."""

    def what_if_of_offer(self, given: OfferChange) -> Shown:
        """What the policy with this offer would have decided otherwise, over the newest of last week's log."""

    def draft_offer(self, actor: Actor, given: OfferChange) -> Shown:
        """Keeps the policy with this offer as a draft of the offer's name."""

    def publish_offer(self, actor: Actor, given: OfferChange) -> Shown:
        """Publishes the policy with this offer, by the same checks."""

    def take_back_offer(self, actor: Actor, given: OfferBack) -> Shown:
        """Publishes the policy without this offer."""

    def models(self) -> list[Shown]:
        """Every model that was trained here or announced, and which is live."""

    def publish_model(self, actor: Actor, version: str, *, is_forced: bool) -> Shown:
        """Puts a model in force, as `kairos model publish` does: what speaks against it has to be forced."""

    def roll_back_model(self, actor: Actor) -> Shown:
        """Puts the model in force again that was before the present one."""

    def audit(self, count: int) -> Shown:
        """The newest entries of the audit log, changes and looks apart, and whether it is whole."""

    def looked(
        self, actor: Actor, what: str, persons: Iterable[str], details: Mapping[str, str]
    ) -> None:
        """Writes into the audit log who looks at these people; raises ConfigError where it cannot be written."""

    def record(self, actor: Actor, what: str, outcome: str, details: Mapping[str, str]) -> None:
        """Writes an entry into the audit log."""
