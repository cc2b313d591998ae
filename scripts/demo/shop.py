"""The made-up shop on a running engine: its catalogue and magazine on `items`, its policy on `control`."""

from collections.abc import Callable, Iterable
from functools import partial
from typing import Final

import msgspec

from jobs.config import Config
from jobs.learning.trust import keys_of
from jobs.publish import Log, now_ms
from log.kafka import ends_of
from schemas.items import Item
from schemas.policy import DEFAULT_CONTROL
from schemas.signed_control import OPEN, ControlKeys
from schemas.topics import EVENTS
from scripts.console import say
from scripts.demo.make_catalogue import DEMO_DATA
from scripts.files.item_files import read_items
from scripts.files.publish_items import decided_of, late_warning, published_items
from scripts.policy.policy_file import read_policy
from scripts.policy.policy_versions import Draft, announced, version_of
from scripts.policy.schedule import publish

FOLDER: Final = DEMO_DATA / "shop"
NAME: Final = "shop"
DEFAULTS: Final = {"KAIROS_TRACE_SHARE": "1"}
"""Settings that are not set are these: the shop shows on what each of its decisions rests."""


def shop_items() -> list[Item]:
    """What the shop sells, and the articles of its magazine."""
    return [*read_items(FOLDER / "items.jsonl"), *read_items(FOLDER / "articles.jsonl")]


def publish_shop(
    log: Log,
    kafka: str,
    prefix: str,
    say: Callable[[str], None],
    from_ms: int | None = None,
    keys: ControlKeys = OPEN,
) -> None:
    """Puts the shop's items and policy into the log, as far as they are not there.

    With `from_ms` items and policy hold from then on, so that what happened before is decided without them; else
    the items since their own time and the policy from the very beginning, or from now on where something has
    happened already. A policy of one's own that has taken the place of the default one stays: it decides then
    what the shop shows.
    """
    known = {item.item_id for item in published_items(kafka, prefix)}
    new = [
        msgspec.structs.replace(item, effective_from_ms=max(from_ms or 0, item.effective_from_ms))
        for item in shop_items()
        if item.item_id not in known
    ]
    if warning := late_warning(new, now_ms(), decided_of(kafka, prefix)):
        say(f"warning: {warning}")
    for item in new:
        log.item(item)
    log.flush()
    policy = read_policy(FOLDER / "policy.yaml")
    draft = Draft(version_of(policy), NAME, policy)
    versions = announced(kafka, prefix, keys)
    if any(one.version == draft.version for one in versions):
        return
    own = [one for one in versions if one.name not in (DEFAULT_CONTROL.name, NAME)]
    if own:
        say(f"policy {own[-1].version} ({own[-1].name}) stays: the shop shows what it decides")
        return
    topic = prefix + EVENTS
    is_new = not any(ends_of(kafka, [topic])[topic].values())
    publish(log, versions, draft, 0 if is_new and from_ms is None else from_ms)


def opening(config: Config, from_ms: int | None = None) -> Callable[[Log, str], None]:
    """What puts the shop into the log of an engine that begins: see `Engine` and `publish_shop`."""
    return partial(
        publish_shop, prefix=config.topic_prefix, say=say, from_ms=from_ms, keys=keys_of(config)
    )


def publish_items(log: Log, kafka: str, prefix: str, items: Iterable[Item]) -> int:
    """Puts those items into the log that it does not have at their time; how many these were."""
    known = {(one.item_id, one.effective_from_ms) for one in published_items(kafka, prefix)}
    new = [one for one in items if (one.item_id, one.effective_from_ms) not in known]
    for item in new:
        log.item(item)
    log.flush()
    return len(new)
