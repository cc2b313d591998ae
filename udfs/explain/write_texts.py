"""What a decision says to the person: its explanation, and the texts of its treatment."""

from collections.abc import Mapping

from schemas.decisions import DecisionItem
from schemas.links import is_link_name
from schemas.rests_on import RestsOn, rests_on
from udfs.actions.asked import Asked
from udfs.actions.judge_actions import Checked, Judged
from udfs.facts.attributes import read_attributes, read_item_attributes
from udfs.items.fill_slate import Slate
from udfs.items.retrieve_candidates import Retrieved
from udfs.language.render_texts import in_language, render, render_link
from udfs.language.sentences import say
from udfs.policy.compiled_policy import CompiledAction


def explanation_of(
    chosen: Judged, items: tuple[DecisionItem, ...], asked: Asked, checked: Checked
) -> str:
    """Why, in one sentence for the person."""
    if not asked.agreed.may_profile:
        return say("objected", "", asked.language)
    template = in_language(chosen.compiled.reason, asked.language, asked.policy.policy.language)
    if template is not None:
        said = render(template, _values(chosen.compiled, template.names, checked))
        if said is not None:
            return said
    if items:
        return items[0].reason
    return say("silence", "", asked.language) if chosen.compiled.action.kind == "nothing" else ""


def told_of_items(
    chosen: Judged, slate: Slate | None, asked: Asked, checked: Checked
) -> tuple[RestsOn, ...]:
    """What the reasons of a slate tell of its items, and the texts of the one that the action is about."""
    reasons = slate.rests_on if slate else ()
    attribute = chosen.compiled.action.item
    if attribute is None:
        return reasons
    own = asked.policy.policy.language
    texts = [texts for _, texts in (chosen.treatment.content if chosen.treatment else ())]
    templates = [in_language(one, asked.language, own) for one in (chosen.compiled.reason, *texts)]
    names = [name for template in templates if template for name in template.names]
    item_id = read_attributes((attribute,), checked.moment)[attribute]
    told = rests_on(checked.moment.written(str(item_id)), names)
    return (*reasons, told) if told else reasons


def content_of(chosen: Judged, asked: Asked, checked: Checked) -> dict[str, str]:
    """The treatment's texts; one that names what is missing is left out, and a link that nobody may follow."""
    found = {}
    for name, texts in chosen.treatment.content if chosen.treatment else ():
        template = in_language(texts, asked.language, asked.policy.policy.language)
        if template is not None:
            made = render_link if is_link_name(name) else render
            said = made(template, _values(chosen.compiled, template.names, checked))
            if said is not None:
                found[name] = said
    return found


def _values(one: CompiledAction, names: tuple[str, ...], checked: Checked) -> Mapping[str, object]:
    """What the placeholders of a text stand for; `item.*` is the item that the action is about."""
    own = [name for name in names if name not in checked.values]
    if not own:
        return checked.values
    moment = checked.moment
    of_item = [name for name in own if name.startswith("item.")]
    others = [name for name in own if not name.startswith(("item.", "segment."))]
    values = checked.values | read_attributes(others, moment)
    if of_item and one.action.item is not None:
        item_id = str(read_attributes((one.action.item,), moment)[one.action.item])
        candidate = Retrieved(item_id, "", moment.item(item_id), None)
        values |= read_item_attributes(of_item, moment, candidate)
    return values
