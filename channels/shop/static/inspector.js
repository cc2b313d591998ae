// Beside the page: what the engine knows of this visit, its last decisions and why, and how long each hop took.

import { h, icon, ICONS, money } from "./dom.js";

const WIDE = matchMedia("(min-width: 1180px)");
const SETTLE_MS = 160;
const RETRY_MS = 400;
const RETRIES = 4;
const LOG_MAX = 12;
const FEATURES_SHOWN = 8;
const CANDIDATES_SHOWN = 8;
const NAMES = {
  hero: "Hero", list: "List", home: "Home list", cart: "Cart list", cart_banner: "Cart banner", offer_bar: "Offer bar", preferences: "What we assume",
  assistant: "Assistant", next_articles: "Read next", front_page: "Front page",
};
const FUNNEL = ["has looked at nothing yet", "has looked at products", "has something in the cart", "is at the checkout", "has bought"];
const STRUGGLES = 0.7; // of 1, as the shop's policy has it: whoever uses the menu is far below
const SOURCES = { fresh: "decided just now", recent: "decided before", trending: "what others like", default: "the shop's own" };
const VERDICTS = { chosen: "chosen", not_chosen: "not chosen", excluded: "left out", suppressed: "left out" };

/** Sentences for what is worth saying, from features and from what conditions saw; falsy = not worth it. */
const FACTS = [
  [(f) => f.session_funnel !== undefined, (f) => `The visitor ${FUNNEL[f.session_funnel] || FUNNEL[0]}.`],
  [(f) => f.session_views_30min > 0, (f) => (f.session_views_30min === 1 ? "One product view in the last half hour." : `${f.session_views_30min} product views in the last half hour.`)],
  [(f, a) => words(a["session.last_category"]), (f, a) => `Looked at last: ${words(a["session.last_category"]).split("/").at(-1)}.`],
  [(f, a) => words(a["session.filters"]), (f, a) => `Filters by ${words(a["session.filters"])}.`],
  [(f, a) => words(a["session.named_topics"]), (f, a) => `Read or searched about ${words(a["session.named_topics"])}.`],
  [(f, a) => words(a["session.favourite_topics"]), (f, a) => `Keeps coming back to ${words(a["session.favourite_topics"])}.`],
  [(f) => f.session_cart_value > 0, (f) => `${money(f.session_cart_value)} in the cart.`],
  [(f, a) => words(a["session.help_pages"]), () => "Opened help pages."],
  [(f) => f.session_help >= 1, (f) => `${Math.round(f.session_help)} s on help pages.`],
  [(f, a) => Number(a["session.searches_of_last_query"]) > 1, (f, a) => `Searched ${a["session.searches_of_last_query"]} times for the same.`],
  [(f, a) => Number(a["session.back_navigations"]) > 0, (f, a) => `Went back ${a["session.back_navigations"]} times.`],
  [(f, a) => Number(a["session.rage_clicks"]) > 0, (f, a) => `Clicked ${a["session.rage_clicks"]} times in anger.`],
  [(f, a) => words(a["session.intent"]) === "leaving", () => "Is about to go."],
  [(f) => f.session_struggle >= STRUGGLES, () => "Seems to look for something in vain."],
  [(f, a) => words(a["context.country"]), (f, a) => `Delivers to ${words(a["context.country"])}.`],
  [(f) => f.person_purchases_30d > 0, (f) => `Bought ${f.person_purchases_30d} times in 30 days.`],
  [(f) => f.person_sessions > 0, (f) => `${f.person_sessions} earlier visits.`],
];

/** A value as the engine writes it, without quotes and brackets; empty where there is nothing. */
function words(value) {
  if (value === undefined || value === "missing") return "";
  return String(value).replace(/[[\]{}'"]/g, "").replace(/: /g, " ").trim();
}

/** What an element is known by when all is drawn anew: who is on it with the keyboard stays there. */
const known = (one) => `${one.tagName} ${one.className} ${one.matches("button") ? one.textContent : ""} ${one.matches("summary") ? one.textContent.split(":")[0] : ""}`;

export class Inspector {
  constructor(element, toggle, find) {
    Object.assign(this, { element, toggle, find, seen: new Map(), events: [], values: {}, reasons: new Map(), unfolded: new Set(), selected: "", item: "", explained: null });
    this.body = h("div", { class: "inspector-body" });
    element.append(
      h("header", {}, h("h2", {}, icon(ICONS.eye), "What Kairos sees"), h("button", { type: "button", class: "round", "aria-label": "Close the inspector", onclick: () => this.open(false, true) }, icon(ICONS.close))),
      this.body);
    toggle.addEventListener("click", () => this.open(element.hidden, true));
    element.addEventListener("keydown", (event) => event.key === "Escape" && this.open(false, true));
    this.open(WIDE.matches, false);
    this.render();
  }

  open(isOpen, isAsked) {
    this.element.hidden = !isOpen;
    document.body.classList.toggle("inspecting", isOpen);
    this.toggle.setAttribute("aria-expanded", String(isOpen));
    if (isOpen) this.look();
    if (isAsked) (isOpen ? this.element.querySelector("button") : this.toggle).focus();
  }

  /** A batch of events was taken. */
  sent({ events, took_ms: tookMs }) {
    this.events.unshift(...events.map((event) => ({ event, tookMs })).reverse());
    this.events.length = Math.min(this.events.length, LOG_MAX);
    this.later();
  }

  /** Another page is shown, with these placements. */
  turn(placements) {
    for (const name of [...this.seen.keys()]) if (!placements.includes(name)) this.seen.delete(name);
    this.item = "";
    this.select();
    this.later();
  }

  /** A placement has been drawn, for a decision or (null) for its default. */
  decided(placement, decision, drawnMs = 0) {
    if (decision) this.seen.set(placement, { decision, arrivedMs: Date.now(), drawnMs });
    else this.seen.delete(placement);
    if (placement === this.selected) this.item = "";
    this.select();
    this.later();
  }

  /** Shows the most telling decision of the page, unless an item was asked about. */
  select() {
    if (this.item) return;
    const isSilent = (name) => this.seen.get(name).decision.action_id === "nothing";
    const [first] = [...this.seen.keys()].sort((one, other) => isSilent(one) - isSilent(other) || rank(one) - rank(other));
    this.selected = first || "";
  }

  /** Opens on a decision, and on one of its items. */
  explain(id, item, from) {
    const found = [...this.seen].find(([, one]) => one.decision.decision_id === id);
    if (found) [this.selected] = found;
    this.item = item || "";
    this.explained = null;
    this.open(true, false);
    this.look().then(() => {
      const target = this.body.querySelector(".asked") || this.body.querySelector(".decision");
      target?.scrollIntoView({ block: "nearest" });
      target?.focus({ preventScroll: true });
      this.backTo = from;
    });
  }

  later() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), SETTLE_MS);
  }

  /** Fetches the explanation of the selected decision, unless nobody looks. */
  async look(left = RETRIES) {
    this.render();
    const shown = this.seen.get(this.selected)?.decision;
    const id = shown?.decision_id;
    if (this.element.hidden || !id || !["fresh", "recent"].includes(shown.source ?? "fresh")) return;
    if (this.explained?.decision.decision_id === id) return;
    try {
      const answer = await fetch(`/v1/explain/${encodeURIComponent(id)}`, { headers: kairos.headers() });
      if (answer.ok) {
        this.explained = await answer.json();
        this.learn(this.explained);
      } else if (left > 0) {
        clearTimeout(this.timer);
        this.timer = setTimeout(() => this.look(left - 1), RETRY_MS);
      } else this.problem = `The explanation is not to be had (${answer.status}).`;
    } catch {
      this.problem = "The API does not answer.";
    }
    this.render();
  }

  /** Keeps what this decision's conditions and features looked at. */
  learn({ decision, trace }) {
    this.problem = "";
    const row = trace.features?.[0] || {};
    for (const [name, value] of Object.entries(row)) if (/^(session|person_(purchases|sessions|views))/.test(name)) this.values[name] = value;
    for (const action of trace.actions) {
      for (const [name, value] of Object.entries(action.values)) if (name.includes(".") && !name.startsWith("item.")) this.values[name] = value;
    }
    if (decision.action_id === "nothing") this.reasons.delete(decision.placement);
    else if (decision.action_id !== "recommend_items") this.reasons.set(decision.placement, decision.explanation);
  }

  render() {
    if (this.element.hidden) return;
    const at = this.body.scrollTop, held = this.body.contains(document.activeElement) && known(document.activeElement);
    this.body.replaceChildren(this.visit(), this.decisions(), this.hops(), this.log());
    this.body.scrollTop = at;
    if (!held) return;
    const again = [...this.body.querySelectorAll("button, summary, [tabindex]")].find((one) => known(one) === held);
    (again || this.body.querySelector(".decision"))?.focus({ preventScroll: true });
  }

  /** What is open stays open when the engine has news. */
  fold(key, summary, ...inside) {
    const keep = (event) => (event.target.open ? this.unfolded.add(key) : this.unfolded.delete(key));
    return h("details", { open: this.unfolded.has(key), ontoggle: keep }, h("summary", {}, summary), inside);
  }

  // --- the visit, in words ---------------------------------------------------------------------------------------

  visit() {
    const { person_id: person, is_stored: isStored } = kairos.ids();
    const agreed = kairos.consent();
    const who = person ? `Signed in as ${person}.` : isStored ? "A visitor who may be recognised in this browser." : "A visitor who is forgotten when this tab closes.";
    const consent = agreed === null ? "Has not said yet what we may do." : agreed.length ? `Agreed to ${agreed.join(", ").replaceAll("_", " ")}.` : "Agreed to nothing but what is needed.";
    const told = FACTS.filter(([holds]) => holds(this.values, this.values)).map(([, say]) => say(this.values, this.values));
    const names = Object.keys(this.values).sort();
    return h("section", {},
      h("h3", {}, "This visit"),
      h("ul", { class: "facts-list" }, [who, consent, ...told].map((text) => h("li", {}, text)), [...new Set(this.reasons.values())].map((text) => h("li", { class: "reasoned" }, text))),
      names.length > 0 && this.fold("values", `The numbers: all ${names.length} values it looked at`,
        h("div", { class: "wide-table", tabindex: "0", role: "region", "aria-label": "All values" }, h("table", {}, h("tbody", {}, names.map((name) => h("tr", {}, h("th", { scope: "row" }, name), h("td", {}, short(this.values[name])))))))));
  }

  // --- decisions -------------------------------------------------------------------------------------------------

  decisions() {
    const tabs = [...this.seen.keys()].sort((one, other) => rank(one) - rank(other)).map((placement) => {
      const { decision } = this.seen.get(placement);
      const choose = () => {
        Object.assign(this, { selected: placement, item: "", explained: null });
        this.look();
      };
      return h("button", { type: "button", class: "tab", "aria-pressed": String(placement === this.selected), onclick: choose }, NAMES[placement] || placement, h("small", {}, decision.action_id === "nothing" ? "nothing" : decision.action_id.replaceAll("_", " ")));
    });
    return h("section", {}, h("h3", {}, "Last decisions"), tabs.length ? h("div", { class: "tabs" }, tabs) : h("p", { class: "hint" }, "None yet."), this.decision());
  }

  decision() {
    const shown = this.seen.get(this.selected)?.decision;
    if (!shown) return "";
    const { source, why } = shown;
    const explained = this.explained?.decision.decision_id === shown.decision_id ? this.explained : null;
    return h("div", { class: "decision", tabindex: "-1" },
      h("p", { class: "headline" }, h("strong", {}, shown.action_id.replaceAll("_", " ")), source && h("span", { class: `rung ${source}`, title: source }, SOURCES[source] || source)),
      shown.explanation && h("p", {}, shown.explanation),
      why && h("p", { class: "hint" }, why),
      explained ? this.explanation(explained) : h("p", { class: "hint" }, this.problem || "Looking it up …"));
  }

  explanation({ decision, trace, funnel, actions, remark }) {
    const verdicts = actions || trace.actions;
    const chosen = decision.items.map((one) => one.item_id);
    const order = [...trace.candidates].map((one, at) => ({ ...one, at })).sort((one, other) => place(chosen, one) - place(chosen, other) || other.score - one.score);
    const left = trace.candidates.filter((one) => one.verdict === "suppressed").length;
    return h("div", {},
      this.item && this.asked(order.find((one) => one.item_id === this.item), decision, trace),
      h("p", {}, inWords(verdicts, trace.candidates.length, left, chosen.length)),
      left > 0 && h("p", { class: "hint" }, `For example left out: ${leftOut(order, this.find)}.`),
      remark && trace.candidates.length > 0 && h("p", { class: "hint" }, remark),
      this.fold("decision", "The numbers: what could have been done, scores, versions",
        h("h4", {}, "What could have been done"),
        h("ul", { class: "actions" }, verdicts.map((one) => h("li", { class: one.verdict }, h("p", {}, h("strong", {}, one.action_id.replaceAll("_", " ")), h("span", { class: "verdict" }, VERDICTS[one.verdict])), h("small", {}, one.words || priority(one))))),
        trace.candidates.length > 0 && [
          h("h4", {}, "Items"),
          h("p", { class: "hint" }, `Found by ${Object.keys(funnel).map((one) => one.replaceAll("_", " ")).join(", ")}.`),
          h("ol", { class: "candidates" }, order.slice(0, CANDIDATES_SHOWN).map((one) => this.candidate(one))),
        ],
        h("p", { class: "hint versions" }, `Policy ${decision.versions.policy} · model ${decision.versions.model} · knowledge ${decision.versions.knowledge} · ${decision.decision_id}`)));
  }

  candidate(one) {
    const item = this.find(one.item_id);
    return h("li", { class: one.item_id === this.item ? "is-asked" : "" }, h("span", {}, item?.name || one.item_id), h("small", {}, `${one.source.replaceAll("_", " ")} · ${one.score.toFixed(3)}`, boosts(one) && ` · ${boosts(one)}`));
  }

  /** Why this one item is where it is. */
  asked(one, decision, trace) {
    if (!one) return h("p", { class: "hint" }, "This item was put there to fill the row.");
    const reason = decision.items.find((shown) => shown.item_id === one.item_id)?.reason;
    const shares = trace.contributions?.[one.at];
    const row = trace.features?.[one.at] || {};
    const telling = shares
      ? Object.entries(shares).filter(([name]) => name !== "bias").sort(([, a], [, b]) => Math.abs(b) - Math.abs(a))
      : Object.entries(row).filter(([name, value]) => /^(item|person|pair|match)/.test(name) && value);
    return h("div", { class: "asked", tabindex: "-1" },
      h("h4", {}, `Why ${this.find(one.item_id)?.name || "this"}?`),
      h("p", {}, reason || "It follows from its score."),
      this.fold("asked", "The numbers",
        h("p", { class: "hint" }, `Found as ${one.source.replaceAll("_", " ")}, score ${one.score.toFixed(4)}${boosts(one) ? `, weighed ${boosts(one)}` : ""}.`),
        telling.length > 0 && h("table", {}, h("caption", {}, shares ? "What moved its score most" : "What is known of it here"), h("tbody", {}, telling.slice(0, FEATURES_SHOWN).map(([name, value]) => h("tr", {}, h("th", { scope: "row" }, this.explained.meanings?.[name] || name), h("td", {}, `${value > 0 && shares ? "+" : ""}${short(value)}`)))))));
  }

  // --- time ------------------------------------------------------------------------------------------------------

  hops() {
    const shown = this.seen.get(this.selected);
    const explained = shown && this.explained?.decision.decision_id === shown.decision.decision_id ? this.explained : null;
    const sentMs = explained?.timing?.sent_at_ms ?? explained?.decision.sent_at_ms;
    const newest = this.events[0];
    const bars = [];
    if (sentMs) {
      const storedMs = explained.timing?.stored_at_ms;
      const isOrdered = storedMs >= sentMs && storedMs <= shown.arrivedMs;
      if (isOrdered) bars.push(["sent, logged, decided, stored", storedMs - sentMs], ["from there to this page", shown.arrivedMs - storedMs]);
      else bars.push(["sent, logged, decided, here", shown.arrivedMs - sentMs]);
    }
    if (shown) bars.push(["drawn", shown.drawnMs]);
    const longest = Math.max(20, ...bars.map(([, ms]) => ms));
    return h("section", {}, h("h3", {}, "How long it took"),
      bars.length
        ? h("dl", { class: "hops" }, bars.map(([name, ms]) => h("div", {}, h("dt", {}, name), h("dd", {}, bar(ms / longest), `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`))))
        : h("p", { class: "hint" }, "Nothing measured yet."),
      newest && h("p", { class: "hint" }, `The newest request took ${Math.round(newest.tookMs)} ms from this browser and back.`));
  }

  log() {
    return h("section", {}, h("h3", {}, "What this page told"), h("ol", { class: "log" }, this.events.map(({ event }) => h("li", {}, h("code", {}, event.event_type), " ", h("small", {}, told(event))))));
  }
}

const ORDER = ["list", "home", "next_articles", "front_page", "assistant", "cart_banner", "offer_bar", "hero", "cart"];
const rank = (placement) => (ORDER.includes(placement) ? ORDER.indexOf(placement) : ORDER.length);
const place = (chosen, one) => (chosen.includes(one.item_id) ? chosen.indexOf(one.item_id) : chosen.length);
const short = (value) => (typeof value === "number" ? Number(value.toPrecision(4)).toString() : String(value));
const boosts = (one) => Object.entries(one.values).filter(([, value]) => String(value).startsWith("x")).map(([name, value]) => `${value} ${name.replaceAll("_", " ")}`).join(", ");
const priority = (one) => (one.verdict === "excluded" ? `${one.stage}: ${one.rule}` : `priority ${short(one.priority)}`);

const many = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;

/** What was weighed, in a sentence or two. */
function inWords(verdicts, candidates, left, shown) {
  const others = verdicts.filter((one) => one.verdict !== "chosen");
  const excluded = others.filter((one) => one.verdict === "excluded").length;
  const actions = others.length ? `${many(others.length, "other action")} could have been taken${excluded ? `; ${excluded} of them ruled out here` : ""}. ` : "";
  return actions + (candidates ? `${many(candidates, "item")} looked at, ${left} left out by a rule, ${shown} shown.` : "");
}

function leftOut(order, find) {
  const one = order.find((candidate) => candidate.verdict === "suppressed");
  return `${find(one.item_id)?.name || one.item_id} (${one.rule.replaceAll("_", " ")})`;
}

function told(event) {
  const what = event.query || event.value || event.attribute || event.properties.text || event.item_ids?.join(", ") || event.page;
  const long = event.attribute ? `${event.attribute} ${event.value || "any"}` : what;
  return String(long || "").slice(0, 60);
}

function bar(share) {
  const meter = h("span", { class: "meter", "aria-hidden": "true" }, h("span", {}));
  meter.firstChild.style.width = `${Math.max(2, Math.round(share * 100))}%`;
  return meter;
}
