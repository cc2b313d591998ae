// What became of every action today, over all people; and the catalogue.

import { card, h, moment, number, percent, renew, table } from "./dom.js";

const RULES_SHOWN = 3;
const code = (text) => h("code", {}, text);

export function today(place, desk) {
  const list = h("div", { class: "column", "aria-live": "polite" });
  const again = h("button", { onclick: load }, "Count again");
  renew(place, h("p", { class: "muted" }, "Over all people: how often each action competed for a place, and which rule dropped it how often."),
    h("p", {}, again), list);

  async function load() {
    again.disabled = true;
    renew(list, h("p", { class: "muted" }, "Counting …"));
    await desk.get("today").then((found) => renew(list, shown(found)), (error) => renew(list, h("p", { class: "notice" }, error.message)));
    again.disabled = false;
  }
  return load();
}

function shown(found) {
  const over = found.is_whole ? `All ${number(found.decisions)} decisions since ` : `Not all of the day: ${number(found.decisions)} of the newest decisions since `;
  return [
    card("Which rule dropped which action", h("p", { class: "muted" }, over, moment(found.from_ms), "."),
      table("Actions today", ["action", "competed", "chosen", "outweighed", "dropped", "share dropped", "by which rule, the most frequent first"],
        found.actions.map((one) => {
          const dropped = one.competed - one.chosen - one.outweighed;
          return [h("strong", {}, one.action), one.competed, one.chosen, one.outweighed, dropped, percent(dropped / one.competed), rules(one.dropped, found.stages)];
        }), "Nothing was decided today.")),
    card("Limits met", h("p", { class: "muted" }, limits_met(found)),
      table("Limits met", ["action", "limit", "decisions", "people", "by which limit"], limited(found).map((one) => [h("strong", {}, one.action), one.limit, one.count, one.people, rules(one.dropped, {})]),
        "No action of the live policy has a limit.")),
    card("Budgets", h("p", { class: "muted" }, `In ${found.currency}: what was shown, times its cost.`),
      table("Budgets", ["action", "today", "of a day's", "in all", "of the total"],
        found.budgets.map((one) => [h("strong", {}, one.action), ...spent(one.spent_today, one.per_day), ...spent(one.spent, one.total)]), "No action has a budget.")),
  ];
}

const LIMITS = "constraints";

function limits_met(found) {
  const of = `of ${number(found.decisions)} decisions for ${number(found.people)} people`;
  return found.limited_decisions
    ? `In ${number(found.limited_decisions)} decisions for ${number(found.limited_people)} people an action was left out because the person had had enough of it, ${of}.`
    : `Nobody met a limit, ${of}.`;
}

/** The actions that have limits, or had when they were met. */
function limited(found) {
  const counted = Object.fromEntries(found.actions.map((one) => [one.action, one]));
  const met = found.actions.filter((one) => one.limited_people).map((one) => one.action);
  return [...new Set([...Object.keys(found.limits), ...met])].map((action) => {
    const dropped = (counted[action]?.dropped ?? []).filter((one) => one.stage === LIMITS);
    return { action, limit: found.limits[action] ?? "none any more", dropped, people: counted[action]?.limited_people ?? 0, count: dropped.reduce((sum, one) => sum + one.count, 0) };
  });
}

const RULES = { limit: "had it as often as they may", cool_down: "had it a moment ago", dismissed: "closed it", clicked: "clicked it" };

const spent = (value, bound) => [number(value, 2), bound === null ? "no bound" : `${number(bound, 2)}${bound ? ` (${percent(value / bound)})` : ""}`];

function rules(dropped, stages) {
  const line = (one) => h("div", {}, code(one.rule), ` ${number(one.count)} × `, h("small", {}, stages[one.stage] ?? RULES[one.rule] ?? one.stage));
  const more = dropped.slice(RULES_SHOWN);
  return [dropped.slice(0, RULES_SHOWN).map(line), more.length > 0 && h("details", {}, h("summary", {}, `${more.length} more`), more.map(line))];
}

export function catalogue(place, desk, query) {
  const words = query.get("q") ?? "";
  const offset = Number(query.get("from")) || 0;
  const input = h("input", { id: "words", type: "search", value: words, autocomplete: "off" });
  const list = h("div", { "aria-live": "polite" });
  const to = (from) => `#/catalogue?${new URLSearchParams({ q: words, from })}`;
  renew(place,
    h("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); desk.go(`#/catalogue?${new URLSearchParams({ q: input.value.trim() })}`); } },
      h("label", { for: "words" }, "Words of name, brand, category or tags"), input, h("button", { class: "main" }, "Find")),
    list);
  desk.get("catalogue", { words, offset }).then((found) => renew(list, card(`${number(found.total)} of ${number(found.all)} items`,
    table("Items", ["item", "name", "category", "brand", "price", "stock", "tags"],
      found.items.map((one) => [code(one.item_id), h("strong", {}, one.name ?? "–"), one.category ?? "–", one.brand ?? "–",
        one.price === null ? "–" : `${number(one.price, 2)} ${one.currency ?? ""}`, one.stock === null ? "–" : one.stock === 0 ? "sold out" : `${number(one.stock)}`, one.tags.join(", ")]), "No item holds all of these words."),
    h("p", { class: "buttons" }, offset > 0 && h("a", { href: to(Math.max(0, offset - found.limit)) }, "Back"), offset + found.limit < found.total && h("a", { href: to(offset + found.limit) }, "More")))),
  (error) => desk.say(error.message, true));
}
