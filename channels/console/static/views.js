// The console's pages. Each fills its place once and then renews only what has changed.

import { offer_card } from "./cards.js";
import { chart, funnel, hops, lines, stacked } from "./charts.js";
import { ago, badge, card, h, long_table, moment, number, percent, renew, table } from "./dom.js";
import { drafts, scheduled, times } from "./drafts.js";

const EVERY_MS = 5000;
const NAMED_MAX = 5;
const ROWS_SHOWN = 20;
const MINUTE_MS = 60000;
const SERVICES = { kafka: "Kafka", redis: "Store", flink: "Decide job", learn: "Learn job", store: "Store writer", api: "API" };

const title = (name) => SERVICES[name] ?? name;
const code = (text) => h("code", {}, text);
/** What an id or hash is called, with its beginning; itself where it has no name. */
const named = (names, id) => (names[id] ? h("span", { title: id }, names[id], " ", h("small", {}, id.slice(0, 12))) : code(id));
const item_name = (names, id) => names[id] ?? id;
const to_person = (id) => h("a", { href: `#/look?q=${encodeURIComponent(id)}` }, code(id.length > 24 ? `${id.slice(0, 23)}…` : id));
const to_decision = (id) => h("a", { href: `#/look?q=${encodeURIComponent(id)}` }, code(id.slice(0, 12)));

// --- now -------------------------------------------------------------------------------------------

export function now(place, desk) {
  const services = h("ul", { class: "services", "aria-label": "Services" });
  const troubles = h("ul", { class: "muted", "aria-label": "What is down, or has ended by itself" });
  const consent = h("p", { class: "muted" });
  const tiles = h("dl", { class: "tiles" });
  const live = h("div");
  const experiments = h("div");
  const versions = h("div");
  const traffic = chart("Traffic", lines, (data) => ({
    says: `Events and decisions a second, the last ${minutes(data)} minutes.`,
    columns: ["time", ...data.series.map((one) => `${one.name} a second`)],
    rows: data.series[0].points.map(([ms, value], at) => [moment(ms), number(value, 1), number(data.series[1].points[at][1], 1)]).reverse().slice(0, 60),
  }));
  const mix = chart("Action mix", draw_mix, (data) => ({
    says: data.total ? `What was decided in the last ${minutes(data)} minutes: ${number(data.total)} decisions.` : `Nothing was decided in the last ${minutes(data)} minutes.`,
    columns: ["action", "decisions", "share"],
    rows: data.actions.map(([name, count]) => [name, count, percent(count / data.total)]),
  }));
  const latency = chart("Latency by hop", hops, (data) => ({
    says: says_hops(data.rows),
    columns: ["hop", "p50 ms", "p90 ms", "p99 ms", "samples", "budget p50 ms", "budget p99 ms"],
    rows: data.rows.map((one) => [one.hop, ...["p50", "p90", "p99", "samples"].map((name) => number(one.latency_ms?.[name])), number(one.budget_ms.p50), number(one.budget_ms.p99)]),
  }));
  renew(place, services, troubles, consent, tiles,
    h("div", { class: "two" }, traffic.node, latency.node),
    h("div", { class: "two" }, mix.node, h("div", { class: "column" }, card("What is live", live), card("Experiments", experiments))),
    card("Versions in the decisions of the last minutes", versions));

  desk.every(EVERY_MS, async () => {
    const [found, counted] = await Promise.all([desk.get("live"), desk.get("traffic")]);
    renew(services, Object.entries(found.services).map(([name, one]) => h("li", { class: one.state },
      h("i", { "aria-hidden": "true" }), title(name), " ", h("span", {}, one.state))));
    const said = Object.entries(found.services).map(([name, one]) => trouble_of(title(name), one));
    renew(troubles, said.filter(Boolean).map((one) => h("li", {}, one)));
    renew(consent, consent_of(found.services));
    renew(tiles, tiles_of(counted));
    renew(live, live_of(found));
    renew(experiments, experiments_of(found));
    renew(versions, table("Versions", ["policy", "model", "code", "decisions"], found.versions.map((one) => [named(found.names, one.policy), code(one.model), code(one.code), one.decisions]), "No decisions yet."));
    const to_ms = counted.at_ms;
    // what was before this process began is not known: that part of the time is not shown
    const begun_ms = (counted.rates[0]?.at_ms ?? to_ms) - MINUTE_MS;
    const from_ms = Math.max(to_ms - counted.kept_ms, Math.min(begun_ms, to_ms - 3 * MINUTE_MS));
    traffic.show({
      from_ms, to_ms, unit: "a second", kept_ms: counted.kept_ms,
      series: ["events", "decisions"].map((name) => ({
        name, now: counted.rate[`${name}_per_s`] === null ? "" : `${number(counted.rate[`${name}_per_s`], 1)}/s`,
        points: counted.rates.map((one) => [one.at_ms, one[`${name}_per_s`]]),
      })),
    });
    latency.show({ rows: counted.hops });
    mix.show(mix_of(counted));
  });
}

/** What the decide job grants where nothing is said of consent; nothing where that is not known. */
function consent_of(services) {
  const granted = services.flink?.assumed_consent;
  return granted ? `Where nothing is said of consent, ${granted.join(", ") || "nothing"} is granted.` : "";
}

function trouble_of(name, one) {
  if (one.cause) return `${name} is ${one.state}${one.since_ms ? ` since ${moment(one.since_ms)}` : ""}: ${one.cause}`;
  if (!one.reason) return "";
  const times = one.restarts === 1 ? "once" : `${one.restarts} times`;
  return `${name} has ended by itself ${times}, last at ${moment(one.ended_ms)}: ${one.reason}`;
}

function says_hops(rows) {
  const measured = rows.filter((one) => one.latency_ms);
  const over = measured.filter((one) => one.latency_ms.p99 > one.budget_ms.p99);
  if (!measured.length) return "Nothing was measured yet.";
  return over.length ? `${over.length} of ${measured.length} are over their budget.` : `All ${measured.length} that were measured are within their budget.`;
}

const minutes = (data) => Math.round(data.kept_ms / MINUTE_MS);

function tile(name, value, note, state = "") {
  return h("div", { class: `tile ${state}` }, h("dt", {}, name), h("dd", {}, value, h("small", {}, note)));
}

function tiles_of(counted) {
  const stored = counted.hops.find((one) => one.hop.includes("store")) ?? counted.hops[0];
  const p99 = stored?.latency_ms?.p99;
  const is_over = p99 > stored?.budget_ms.p99;
  const dead = Object.values(counted.letters).reduce((sum, one) => sum + one, 0);
  return [
    tile("Events", counted.is_engine_up ? `${number(counted.rate.events_per_s, 1)}/s` : "–", counted.is_engine_up ? "the last minute" : "the decide job does not answer", counted.is_engine_up ? "" : "bad"),
    tile("Decisions", counted.is_engine_up ? `${number(counted.rate.decisions_per_s, 1)}/s` : "–", `${number(counted.decisions)} in ${minutes(counted)} minutes`),
    tile("Event to store, p99", p99 === undefined ? "–" : `${number(p99)} ms`, p99 === undefined ? "no samples yet" : `${is_over ? "over" : "within"} the budget of ${stored.budget_ms.p99} ms`, p99 === undefined ? "" : is_over ? "bad" : "ok"),
    tile("Dead letters", number(dead), `in ${minutes(counted)} minutes`, dead ? "warn" : "ok"),
    tile("In the holdout", counted.decisions ? percent(counted.holdout / counted.decisions) : "–", "of the decisions"),
  ];
}

function live_of(found) {
  const since = (one) => (one.effective_from_ms ? [moment(one.effective_from_ms), h("small", {}, ago(one.effective_from_ms, found.at_ms))] : "the beginning");
  const row = (name, one, what) => h("div", {}, h("dt", {}, name), h("dd", {}, one ? [code(one.version), h("span", { class: "since" }, "since ", since(one)), what && h("small", {}, what)] : h("span", { class: "muted" }, "none")));
  return h("dl", { class: "facts" },
    row("Policy", found.policy, found.policy && found.names[found.policy.version]),
    row("What it holds", found.policy, found.policy && `${found.policy.name}: ${found.policy.summary}`),
    row("Ranker", found.models.ranker),
    row("Responses", found.models.responses),
    h("div", {}, h("dt", {}, "Holdout"), h("dd", {}, percent(found.holdout_share))));
}

function experiments_of(found) {
  if (!found.experiments.length) return h("p", { class: "muted" }, "The live policy has none.");
  return found.experiments.map((one) => [h("h3", {}, one.name),
    table(one.name, ["arm", "share meant", "decisions", "share found"], one.arms.map((arm) => {
      const sum = one.arms.reduce((all, each) => all + each.decisions, 0);
      return [arm.name, percent(arm.share), arm.decisions, sum ? percent(arm.decisions / sum) : "–"];
    }))]);
}

function mix_of(counted) {
  const actions = Object.entries(counted.actions);
  const names = actions.slice(0, NAMED_MAX).map(([name]) => name);
  const columns = [];
  for (const bucket of counted.buckets) {
    const from_ms = bucket.from_ms - (bucket.from_ms % MINUTE_MS);
    if (columns.at(-1)?.from_ms !== from_ms) columns.push({ from_ms, counts: {} });
    const { counts } = columns.at(-1);
    for (const [name, count] of Object.entries(bucket.actions)) {
      const shown = names.includes(name) ? name : "other";
      counts[shown] = (counts[shown] ?? 0) + count;
    }
  }
  while (columns.length > 4 && !Object.keys(columns[0].counts).length) columns.shift();
  const rest = actions.slice(NAMED_MAX).reduce((sum, [, count]) => sum + count, 0);
  return { actions, names: rest ? [...names, "other"] : names, rest, columns, total: counted.decisions, column_ms: MINUTE_MS, kept_ms: counted.kept_ms, unit: "a minute" };
}

function draw_mix(width, data) {
  const counts = Object.fromEntries(data.actions);
  const rows = data.names.map((name, at) => [at + 1, name, `${number(name === "other" ? data.rest : counts[name])} · ${percent((name === "other" ? data.rest : counts[name]) / data.total)}`]);
  return { ...stacked(width, data), legend: rows.map(([at, name, told]) => h("span", { class: "key wide" }, h("i", { class: `swatch s${at}` }), name, h("b", {}, told))) };
}

// --- look up ---------------------------------------------------------------------------------------

export function look(place, desk, query) {
  const asked = query.get("q") ?? "";
  const input = h("input", { id: "q", name: "q", type: "search", value: asked, required: true, autocomplete: "off", spellcheck: "false", placeholder: "person, anonymous id, session or decision" });
  const result = h("div", { "aria-live": "polite" });
  renew(place,
    h("form", { class: "search", role: "search", onsubmit: (event) => { event.preventDefault(); desk.go(`#/look?q=${encodeURIComponent(input.value.trim())}`); } },
      h("label", { for: "q" }, "Who, or which decision"), input, h("button", { class: "main" }, "Look up")),
    result);
  if (!asked) { input.focus(); recent(result, desk); return; }
  renew(result, h("p", { class: "muted" }, "Looking …"));
  find(desk, asked).then(
    (found) => renew(result, found.slate ? decision_of(found) : person_of(found, asked, desk)),
    (error) => renew(result, h("p", { class: "notice" }, error.status === 404 ? `Nothing is known of “${asked}” among the newest decisions and in the store.` : error.message)));
}

/** The newest decisions of all people, to click; renewed while nobody has the keyboard in it. */
function recent(place, desk) {
  const list = h("div");
  renew(place, card("The newest decisions", list));
  place.removeAttribute("aria-live");
  let seen = "";
  desk.every(EVERY_MS, async () => {
    const found = await desk.get("recent");
    const newest = found.decisions.map((one) => one.decision_id).join();
    if (newest === seen || list.contains(document.activeElement)) return;
    seen = newest;
    renew(list, long_table("The newest decisions", ["when", "person", "placement", "decided", "items", "decision"],
      found.decisions.map((one) => [h("span", {}, ago(one.event_time_ms)), to_person(one.person), code(one.placement), [h("strong", {}, one.action_id), one.is_holdout && badge("holdout")], items_of(one, found.names), to_decision(one.decision_id)]),
      ROWS_SHOWN, "Nothing was decided yet."));
  });
}

const items_of = (one, names) => one.items.slice(0, 4).map((each) => item_name(names, each)).join(", ") + (one.items.length > 4 ? ` … (${one.items.length})` : "");

async function find(desk, asked) {
  const ways = [() => desk.get("person", { named: asked }), () => desk.get("decision", { decision_id: asked })];
  if (/^[0-9a-f]{32}$/.test(asked)) ways.reverse(); // as decisions are named
  try {
    return await ways[0]();
  } catch (error) {
    if (error.status !== 404) throw error;
    return ways[1]();
  }
}

function person_of(found, asked, desk) {
  const answer = h("div", { "aria-live": "polite" });
  const select = h("select", { id: "action" }, found.actions.map((one) => h("option", {}, one)));
  const why = h("form", {
    class: "row",
    async onsubmit(event) {
      event.preventDefault();
      renew(answer, h("p", { class: "muted" }, "Looking …"));
      const told = await desk.get("why-not", { person: found.person, action: select.value }).then(
        (one) => [h("p", { class: "sentence" }, one.sentence), one.decision_id && h("p", {}, "In the decision ", to_decision(one.decision_id), " at ", code(one.placement), ", ", moment(one.event_time_ms))],
        (error) => h("p", { class: "notice" }, error.message));
      renew(answer, told);
    },
  }, h("label", { for: "action" }, "Why not"), select, h("button", {}, "Ask"));
  return [
    h("h2", { class: "found" }, found.is_session ? ["Session ", code(asked), " is of ", code(found.person)] : ["Person ", code(found.person)]),
    found.remark && h("p", { class: "notice" }, found.remark),
    found.actions.length > 0 && card("Why did they not get it?", why, answer),
    sees(found),
    limits(found, desk),
    card("Decisions, the newest first", long_table("Decisions", ["when", "placement", "decided", "for the person", "items", "policy · model", "decision"],
      found.decisions.map((one) => [moment(one.event_time_ms), code(one.placement), [h("strong", {}, one.action_id), one.is_holdout && badge("holdout")], one.explanation,
        items_of(one, found.names), [named(found.names, one.versions.policy), " · ", code(one.versions.model)], to_decision(one.decision_id)]), ROWS_SHOWN)),
  ];
}

/** Each placement as this person sees it now. */
function sees(found) {
  const one_of = (one) => h("div", { class: "column" },
    h("h3", {}, code(one.placement), " ", h("small", {}, ["until ", moment(one.valid_until_ms)])),
    offer_card({ content: one.content, reason: one.explanation }),
    one.items.length > 0 && h("ol", { class: "mistakes" }, one.items.map((each) => h("li", {}, item_name(found.names, each)))),
    h("p", { class: "muted" }, one.action_id === "nothing" ? "The page keeps what it has of its own." : ["by ", h("strong", {}, one.action_id), ", decision ", to_decision(one.decision_id)]));
  return card("What they see now", h("p", { class: "muted" }, "The newest decision of each placement, while it is valid; after that the page shows its own."),
    found.sees.length ? h("div", { class: "sees" }, found.sees.map(one_of)) : h("p", {}, "Nothing that is still valid."));
}

/** What this person has spent of the limits of actions: counted in the log, so it comes after the rest. */
function limits(found, desk) {
  const list = h("div", { "aria-live": "polite" }, h("p", { class: "muted" }, "Counting …"));
  desk.get("limits", { person: found.person }).then(
    (told) => renew(list,
      table("Limits", ["action", "limit", "spent", "may they have it again?"], told.limits.map((one) => [h("strong", {}, one.action.replace(/^contact:/, "all contacts: ")), one.limit,
        one.times ? `${one.granted} of ${one.times}` : `${one.granted}`, again_of(one)]), "The live policy limits nothing."),
      !told.is_whole && h("p", { class: "notice" }, "Counted in the newest part of the log only: what is older is missing.")),
    (error) => renew(list, h("p", { class: "notice" }, error.message)));
  return card("Limits spent", h("p", { class: "muted" }, "By the live policy's limits, of the decisions for this id. What they got under another id before they signed in is not shown here, and counts all the same."), list);
}

function again_of(one) {
  if (one.stands_until_ms) return ["They have it now, until ", moment(one.stands_until_ms), "."];
  if (one.rule === "dismissed") return "Never: they closed it.";
  if (one.rule === "clicked") return "Never: they clicked it.";
  if (one.rule && !one.free_from_ms) return "Never.";
  return one.rule ? ["From ", moment(one.free_from_ms), " on."] : "Yes.";
}

function decision_of(found) {
  const arms = Object.entries(found.arm).map(([name, arm]) => `${name}: ${arm}`).join(", ");
  const is_valid = found.valid_until_ms > Date.now();
  const facts = [
    ["For", h("a", { href: `#/look?q=${encodeURIComponent(found.person)}` }, code(found.person))],
    ["Session", code(found.session_id)],
    ["Cause", ["event ", code(found.event_id), ", ", moment(found.event_time_ms)]],
    ["Valid", [is_valid ? "until " : "no more, since ", moment(found.valid_until_ms)]],
    ["Chance of this action", percent(found.action_probability)],
    ["Chance of a response", found.response_propensity === null ? "nothing was offered" : `${percent(found.response_propensity, 2)} (${found.propensity_source || "unknown"})`],
    ["Experiments", arms || (found.is_holdout ? "in the holdout" : "none")],
    ["Versions", ["policy ", named(found.names, found.versions.policy), ", model ", code(found.versions.model), `, catalogue of ${found.versions.catalogue}, knowledge ${found.versions.knowledge}, code ${found.versions.code}`]],
  ];
  const parts = [
    h("h2", { class: "found" }, "Decision ", code(found.decision_id)),
    h("section", { class: "card answer" },
      h("p", { class: "big" }, h("strong", {}, found.action_id), " at ", code(found.placement), found.kind !== "decided" && badge(found.kind, "warn"), found.is_holdout && badge("holdout")),
      h("p", { class: "sentence" }, found.explanation),
      Object.entries(found.content).map(([name, text]) => h("p", { class: "muted" }, `${name}: ${text}`)),
      h("dl", { class: "facts" }, facts.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))))),
  ];
  if (!found.has_trace) return [...parts, h("p", { class: "notice" }, "How it came about is not known any more: its trace has expired.")];
  if (found.actions.length) parts.push(h("div", { class: "two" }, action_funnel(found), item_funnel(found)));
  else parts.push(item_funnel(found));
  if (found.actions.length) {
    parts.push(card("What became of each action", table("Actions", ["action", "verdict", "why, why not", "P", "C", "V", "L", "priority", "chance"],
      found.actions.map((one) => [h("strong", {}, one.action_id), badge(one.verdict.replace("_", " "), one.verdict === "chosen" ? "ok" : one.verdict === "excluded" ? "warn" : ""),
        one.verdict === "excluded" ? [h("em", {}, found.stages[one.stage] ?? one.stage), ": ", one.why] : one.why,
        ...(one.verdict === "excluded" ? ["", "", "", "", "", ""] : [shown(one.propensity), shown(one.context_weight), shown(one.value), shown(one.lever), shown(one.priority), percent(one.probability)])])),
    h("p", { class: "muted" }, "Priority = P chance of a response × C context weight × V value × L lever.")));
  }
  if (found.remark) parts.push(h("p", { class: "muted" }, `Scores: ${found.remark}.`));
  if (found.candidates.length) {
    const rows = found.candidates.map((one) => [one.place ? `${one.place}` : "", [h("strong", {}, item_name(found.names, one.item_id)), found.names[one.item_id] && h("small", {}, ` ${one.item_id}`)], one.source, shown(one.score), badge(one.verdict.replace("_", " "), one.verdict === "chosen" ? "ok" : one.verdict === "suppressed" ? "warn" : ""),
        one.reason || [one.rule, Object.entries(one.values).map(([name, value]) => ` ${name}=${value}`)],
        one.features.length ? h("details", {}, h("summary", {}, found.remark ? "values" : "what moved its score"), h("ul", { class: "features" }, one.features.map((each) => h("li", {}, code(each.name), ` ${shown(each.value)}`, each.contribution !== null && h("b", {}, ` ${each.contribution > 0 ? "+" : "−"}${shown(Math.abs(each.contribution))}`), h("small", {}, each.meaning))))) : ""]);
    const columns = ["place", "item", "from", "score", "verdict", "why", "features"];
    parts.push(card("Items, best first", long_table("Items", columns, rows, ROWS_SHOWN)));
  }
  return parts;
}

const shown = (value) => (value === null || value === undefined ? "–" : Number.parseFloat(value.toPrecision(4)).toString());

function action_funnel(found) {
  const { actions, left, ...stages } = found.action_funnel;
  const steps = [{ name: "competed", left: actions }];
  for (const [stage, lost] of Object.entries(stages)) steps.push({ name: `${stage}: ${found.stages[stage] ?? ""}`, lost, left: steps.at(-1).left - lost });
  steps.push({ name: "could be chosen", left });
  return funnel_of("Actions", steps);
}

function item_funnel(found) {
  const items = found.item_funnel;
  return funnel_of("Items", [{ name: "retrieved", left: items.retrieved }, { name: "after suppression", lost: items.suppressed, left: items.ranked }, { name: "in the slate", left: items.chosen }]);
}

function funnel_of(title, steps) {
  const drawn = chart(`Funnel: ${title.toLowerCase()}`, funnel, () => ({ says: "", columns: ["step", "lost", "left"], rows: steps.map((one) => [one.name, one.lost ?? 0, one.left]) }));
  requestAnimationFrame(() => drawn.show({ steps }));
  return drawn.node;
}

// --- policy ----------------------------------------------------------------------------------------

export function policy(place, desk) {
  const history = h("div");
  const text = h("div");
  const edited = desk.may("marketer") ? editor(desk, () => load()) : null;
  const planned = scheduled(desk, () => load());
  const kept = drafts(desk, (one) => (edited ? edited.open(one) : show_text(["Draft ", h("strong", {}, one.name)], [], one.text)));
  renew(place, card("Versions", desk.may("marketer") && h("p", {}, h("button", { onclick: () => back("") }, "Go back to the one before …")), history), planned.node, kept.node, text, edited?.node);

  async function load() {
    const [found] = await Promise.all([desk.get("live"), planned.load(), kept.load()]);
    renew(history, table("Versions of the policy", ["state", "version", "in force from", "name", "by", "note", "do"],
      found.history.map((one) => [badge(one.state, one.state === "live" ? "ok" : one.state === "refused" ? "bad" : ""), code(one.version), one.effective_from_ms ? moment(one.effective_from_ms) : "the beginning", one.name, one.author, one.is_return ? "takes over again" : one.note,
        one.fault || h("span", { class: "buttons" },
          h("button", { class: "quiet", onclick: () => view(one.version) }, "Show", h("span", { class: "unseen" }, ` ${one.version}`)),
          desk.may("marketer") && ["past", "taken back"].includes(one.state) && h("button", { class: "quiet", onclick: () => back(one.version) }, "Put in force again …", h("span", { class: "unseen" }, ` ${one.version}`)))])));
  }
  async function view(version) {
    const found = await desk.get("policy", { version }).catch((error) => desk.say(error.message, true));
    if (!found) return;
    show_text(["Policy ", code(found.version)], [h("p", { class: "muted" }, found.summary), differences(found.changes, "It is as the live one.")], found.text);
  }
  function show_text(name, told, file) {
    const title = h("h2", { tabindex: "-1" }, name);
    renew(text, h("section", { class: "card" }, title, told, h("pre", { class: "file", tabindex: "0", "aria-label": "The policy's file" }, file)));
    title.focus();
  }
  async function back(version) {
    const is_sure = await confirm_change("Put a policy in force again", version ? ["Policy ", code(version), " decides in two seconds, instead of the live one."] : "The policy that was in force before the present one decides in two seconds. Done twice, it is undone.", "Put in force");
    if (is_sure) await change(desk, "policy/rollback", { version }, "policy").then(load);
  }
  load().catch((error) => desk.say(error.message, true));
}

/** A button that compares a draft with the live policy over the log, and what it finds below. */
export function what_if(desk, path, body) {
  const result = h("div", { class: "column", role: "status" });
  const button = h("button", { type: "button", async onclick() {
    button.disabled = true;
    renew(result, h("p", { class: "muted" }, "Deciding once more, by the live policy and by the draft …"));
    await desk.post(path, body).then((found) => renew(result, otherwise(found)), (error) => renew(result, h("p", { class: "notice" }, error.message)));
    button.disabled = false;
  } }, "What if? Compare over the log");
  return h("div", { class: "column" }, h("p", {}, button), result);
}

function otherwise(found) {
  if (!found.events) return h("p", { class: "notice" }, "What would have been otherwise is not known: the log holds no events of the last week.");
  const over = found.is_whole ? `all ${number(found.events)} events of the last week` : `${number(found.events)} of the newest events of the last week`;
  const alone = [found.only_live && `${number(found.only_live)} would not have been made`, found.only_draft && `${number(found.only_draft)} more would have been made`].filter(Boolean).join(", ");
  return [h("p", { class: "sentence" }, `${number(found.differing)} of ${number(found.compared)} decisions over ${over} would have been others${alone ? `; ${alone}` : ""}.`),
    h("p", { class: "muted" }, "Without the trained models, and with what is learnt from these events alone: what differs is of the draft."),
    Object.keys(found.differs_in).length > 0 && table("What differs", ["first in", "decisions"], Object.entries(found.differs_in)),
    found.moves.length > 0 && table("Other actions", ["placement", "live", "draft", "decisions"], found.moves.map((one) => [code(one.placement), one.live, h("strong", {}, one.draft), one.count]))];
}

export function differences(changes, none) {
  if (!changes.length) return h("p", { class: "muted" }, none);
  return [h("h3", {}, "Against the live one"), h("pre", { class: "file changes", tabindex: "0", "aria-label": "Changes against the live policy" },
    changes.map((one) => h("span", { class: { "+": "new", "-": "gone" }[one[0]] ?? "other" }, `${one}\n`)))];
}

function editor(desk, changed) {
  let checked = null;
  const field = h("textarea", { id: "policy-text", rows: "18", spellcheck: "false", autocapitalize: "off", oninput: () => { checked = null; publish.disabled = true; } });
  const found = h("div", { "aria-live": "polite" });
  const note = h("input", { id: "policy-note", maxlength: "300", autocomplete: "off" });
  const name = h("input", { id: "draft-name", maxlength: "64", autocomplete: "off", spellcheck: "false", "aria-describedby": "draft-hint" });
  const when = times();
  let seen = { name: "", saved_ms: 0 }; // the draft that the text began with: another one's is not replaced
  const publish = h("button", { class: "main", disabled: true, type: "button", onclick: put }, "Publish …");
  async function begin() {
    const live = await desk.get("policy").catch((error) => desk.say(error.message, true));
    if (live) { field.value = live.text; checked = null; publish.disabled = true; renew(found); }
  }
  async function check() {
    checked = null;
    publish.disabled = true;
    const text = field.value;
    const told = await desk.post("policy/check", { text }).catch((error) => desk.say(error.message, true));
    if (!told) return;
    if (!told.is_ok) {
      renew(found, h("p", { class: "problem" }, `${told.mistakes.length} mistake${told.mistakes.length > 1 ? "s" : ""}: nothing with a mistake goes live.`),
        h("ol", { class: "mistakes" }, told.mistakes.map((one) => h("li", {}, h("button", { class: "quiet", type: "button", onclick: () => go_to(field, one.line) }, `line ${one.line}`), " ", one.field && code(one.field), ` ${one.message}`))));
      return;
    }
    checked = { text, ...told };
    publish.disabled = !told.changes.length;
    when.of(told.time_zone);
    renew(found, h("p", {}, badge("ok", "ok"), " ", told.summary), told.warnings.map((one) => h("p", { class: "notice" }, `line ${one.line}: ${one.message}`)), told.notes.map((one) => h("p", { class: "notice" }, one)), differences(told.changes, "It is as the live one: there is nothing to publish."), told.changes.length > 0 && what_if(desk, "policy/what-if", { text }));
  }
  async function put() {
    if (!checked || checked.text !== field.value) return;
    const is_sure = await confirm_change("Publish this policy", ["Version ", code(checked.version), `${when.words(checked.time_zone)}: ${checked.changes.length} change${checked.changes.length > 1 ? "s" : ""} against the live one.`], "Publish");
    if (is_sure && await change(desk, "policy/publish", { text: checked.text, note: note.value.trim(), ...when.values() }, "policy")) { publish.disabled = true; when.clear(); await changed(); }
  }
  async function keep() {
    const asked = { name: name.value.trim(), text: field.value, note: note.value.trim() };
    const saved = await desk.post("drafts/save", { ...asked, seen_ms: seen.name === asked.name ? seen.saved_ms : 0 }).catch((error) => desk.say(error.message, true));
    if (!saved) return;
    seen = saved;
    const count = saved.mistakes.length;
    desk.say(`draft ${saved.name} is saved${count ? `, with ${count} mistake${count > 1 ? "s" : ""} to mend before it can be published` : ""}.`);
    await changed();
  }
  function open(draft) {
    seen = draft;
    field.value = draft.text;
    name.value = draft.name;
    note.value = draft.note;
    checked = null;
    publish.disabled = true;
    renew(found);
    field.focus();
    field.setSelectionRange(0, 0);
  }
  const node = card("Change it", h("p", { class: "buttons" }, h("button", { type: "button", onclick: begin }, "Begin with the live one")),
    h("label", { for: "policy-text" }, "Policy file (YAML)"), field,
    h("label", { for: "policy-note" }, "Note for colleagues"), note,
    when.node,
    h("p", { class: "buttons" }, h("button", { type: "button", onclick: check }, "Check"), publish), found,
    h("label", { for: "draft-name" }, "Name of the draft"), name,
    h("small", { id: "draft-hint" }, "Letters, digits, _, - and . are a name. A draft may have mistakes; it decides nothing until it is published."),
    h("p", { class: "buttons" }, h("button", { type: "button", onclick: keep }, "Save as draft")));
  return { node, open };
}

function go_to(field, line) {
  const lines_before = field.value.split("\n").slice(0, line - 1);
  const at = lines_before.join("\n").length + (line > 1 ? 1 : 0);
  field.focus();
  field.setSelectionRange(at, at + (field.value.split("\n")[line - 1]?.length ?? 0));
}

/** A time as people say it; with its day where that is not now. */
const clock = (ms) => (Math.abs(ms - Date.now()) < 3_600_000 ? new Date(ms).toLocaleTimeString() : new Date(ms).toLocaleString());

/** Makes a change and says what came of it. */
export async function change(desk, path, body, kind) {
  try {
    const done = await desk.post(path, body);
    desk.say(`${kind} ${done.version} decides from ${clock(done.effective_from_ms)} on${done.replaces ? `, instead of ${done.replaces}` : ""}${done.ended_by ? `, until ${done.ended_by} takes over on ${clock(done.ended_ms)}` : ""}.${(done.warnings || []).map((one) => ` Warning: ${one}.`).join("")}`);
    return done;
  } catch (error) {
    desk.say(error.message, true);
    return null;
  }
}

export function confirm_change(title, text, yes) {
  return new Promise((decide) => {
    const dialog = h("dialog", { "aria-labelledby": "asked", onclose: () => { decide(dialog.returnValue === "yes"); dialog.remove(); } },
      h("form", { method: "dialog" }, h("h2", { id: "asked" }, title), h("p", {}, text),
        h("p", { class: "buttons" }, h("button", { value: "no" }, "Cancel"), h("button", { class: "main", value: "yes" }, yes))));
    document.body.append(dialog);
    dialog.showModal();
  });
}

// --- models ----------------------------------------------------------------------------------------

export function models(place, desk) {
  const list = h("div");
  renew(place, card("Rankers", desk.may("operator") && h("p", {}, h("button", { onclick: () => put("models/rollback", {}, "The model that was in force before the present one ranks in two seconds. Done twice, it is undone.") }, "Go back to the one before …")), list),
    h("p", { class: "muted" }, "New ones come from ", code("kairos train"), "."));

  async function load() {
    const { models: found } = await desk.get("models");
    renew(list, table("Models", ["state", "version", "trained on data until", "decisions", "figures", "in force from", "remark", "do"],
      found.map((one) => [one.is_live ? badge("live", "ok") : one.is_coming ? badge("coming") : "", code(one.version), moment(one.to_ms), number(one.examples),
        Object.entries(one.metrics).map(([name, value]) => h("span", { class: "figure" }, `${name} ${number(value, 4)}`)), one.effective_from_ms.map((each) => h("div", {}, moment(each))), one.remark || one.doubts.join("; "),
        desk.may("operator") && !one.is_live && !one.remark ? h("button", { class: "quiet", onclick: () => put("models/publish", { version: one.version, force: one.doubts.length > 0 }, ["Model ", code(one.version), " ranks in two seconds", one.doubts.length ? `, although ${one.doubts.join("; ")}.` : "."]) }, "Publish …", h("span", { class: "unseen" }, ` ${one.version}`)) : ""]),
      "No model was trained yet: decisions go by popularity."));
  }
  async function put(path, body, text) {
    if (await confirm_change("Change the live model", text, "Put in force")) await change(desk, path, body, "model").then(load);
  }
  load().catch((error) => desk.say(error.message, true));
}

// --- audit -----------------------------------------------------------------------------------------

export function audit(place, desk) {
  const list = h("div");
  renew(place, list);
  desk.get("audit").then((found) => renew(list,
    h("p", { class: found.is_whole ? "notice ok" : "notice bad" }, found.is_whole ? "The log is whole: no line was altered, taken out or put in. Its last hash is " : "The log was altered. ", found.is_whole && code(found.head), found.faults.map((one) => h("span", { class: "fault" }, one))),
    card("Who changed what, the newest first", long_table("Audit log", ["when", "who", "role", "from", "what", "outcome", "details"],
      found.entries.map((one) => [moment(one.at_ms), h("strong", {}, one.who), one.role, one.address, one.what, badge(one.outcome, one.outcome === "done" ? "ok" : one.outcome === "begun" ? "" : "warn"),
        Object.entries(one.details).map(([name, value]) => h("span", { class: "figure" }, `${name} ${value}`))]), ROWS_SHOWN, "Nothing was changed yet.")),
    card("Who looked, the newest first", h("p", {}, "People stand here under pseudonyms; ", code("kairos key audit --person ID"), " says who looked at somebody."),
      long_table("Looks", ["when", "who", "role", "from", "what", "details"], found.reads.map((one) => [moment(one.at_ms), h("strong", {}, one.who), one.role, one.address, one.what,
        Object.entries(one.details).map(([name, value]) => h("span", { class: "figure" }, `${name} ${value}`))]), ROWS_SHOWN, "Nobody has looked yet."))),
  (error) => desk.say(error.message, true));
}
