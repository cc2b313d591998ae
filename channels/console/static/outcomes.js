// What decisions earn: experiments with their verdicts, and the business by day. Words first, numbers one click away.

import { chart } from "./charts.js";
import { badge, card, h, moment, number, renew, table } from "./dom.js";
import { by_day, day_name, differences, kpi_value, lifts, signed } from "./outcome-charts.js";

const EVERY_MS = 4000;
const REACH = 1.959963984540054;
const KINDS = { keep: "ok", stop: "bad", "not yet": "warn", "do not trust": "bad" };
const SIDES = ["everybody", "personal", "held out"];
const GROUPS = { placement: "By place", action: "By action", segment: "By segment" };
const words = (name) => name.replaceAll("_", " ");

export function experiments(place, desk) {
  const state = h("p", { class: "muted", role: "status" });
  const list = h("div", { class: "column" });
  renew(place, h("p", { class: "muted" }, "What to do about each experiment, and why: by all that came of decisions, as ", h("code", {}, "kairos experiment show"), " tells it."), state, list);
  let shown = null;
  desk.every(EVERY_MS, async () => {
    const found = await desk.get("experiments");
    renew(state, state_of(found));
    if (!found.counted_ms || found.counted_ms === shown) return;
    shown = found.counted_ms;
    anew(list, [earned(found), found.experiments.map(experiment),
      !found.experiments.length && h("p", { class: "notice" }, "The live policy has no experiment, and holds nobody out: there is nothing to compare.")]);
  });
}

/** How old the figures are, and whether they are all. */
function state_of(found) {
  if (found.fault) return h("span", { class: "problem" }, `It cannot be told now: ${found.fault}`);
  if (!found.counted_ms) return "Reading what came of decisions …";
  const part = found.is_whole ? "" : "the newest alone; kairos experiment show and kairos kpi read all; ";
  return [`${number(found.outcomes)} outcomes, ${part}read `, moment(found.counted_ms), found.is_counting && ", being read again …"];
}

/** Draws anew what is in `list`; what was open stays open. */
function anew(list, children) {
  const is_open = new Set([...list.querySelectorAll("details[open]")].map(path_of));
  renew(list, children);
  for (const one of list.querySelectorAll("details")) one.open = is_open.has(path_of(one));
}

const path_of = (details) => `${details.closest("[aria-label], [id]")?.getAttribute("aria-label") ?? details.closest("[id]")?.id ?? ""} ${details.closest("figure")?.querySelector("h2, h3")?.textContent ?? ""} ${details.querySelector("summary").textContent}`;

function earned(found) {
  if (!found.incremental.length) return null;
  return card("What personalisation earns", found.incremental.map((one) => h("p", { class: "big" }, one)));
}

function experiment(one) {
  const node = h("section", { class: "card", "aria-label": one.name },
    h("h2", {}, one.name === "holdout" ? "Personal against held out" : one.name, " ", badge(one.state, one.state === "runs" ? "ok" : "")),
    one.verdicts.map((each) => h("div", { class: "verdict" },
      h("p", { class: "big" }, badge(each.word, KINDS[each.word]), " ", h("strong", {}, each.do)),
      h("ul", { class: "mistakes" }, each.reasons.map((why) => h("li", {}, why))))),
    h("p", { class: "muted" }, one.seen));
  const numbers = h("details", {}, h("summary", {}, "The numbers"),
    table(`Numbers of ${one.name}`, one.heads, one.rows, "Nothing is known yet."),
    one.notes.map((each) => h("p", { class: "muted" }, each)));
  const pictures = pictures_of(one);
  if (pictures.length) numbers.addEventListener("toggle", () => numbers.open && pictures.forEach((draw) => draw()), { once: true });
  node.append(numbers);
  return node;

  /** Each draws one picture, once there is a width to draw for. */
  function pictures_of({ metrics, name }) {
    const known = metrics.filter((each) => each.lift_interval && each.lift_interval[0] !== null);
    const made = [];
    if (known.length) {
      made.push(() => {
        const picture = chart(`Lift against the control, ${name}`, lifts, lifts_told);
        numbers.append(picture.node);
        picture.show({ rows: known.map((each) => ({
          name: `${words(each.metric)}, ${each.arm}`, lift: each.lift, interval: each.lift_interval,
          is_sure: (each.always_valid?.p_corrected ?? 1) < 0.05, is_good: each.lift > 0 === each.is_more_better,
        })) });
      });
    }
    for (const each of metrics.filter((metric) => metric.days.length > 1)) {
      made.push(() => {
        const picture = chart(`${words(each.metric)}, ${each.arm}: the difference by day`, differences, (data) => ({
          says: "The arm less the control on each day, with what it is between (95 %).",
          columns: ["day", "difference", "between", "and"],
          rows: data.days.map((day) => [day.day + 1, day.value, day.low, day.high]),
        }));
        numbers.append(picture.node);
        picture.show({ days: each.days.map(([day, value, error]) => ({ day, value, low: value - REACH * error, high: value + REACH * error })) });
      });
    }
    return made;
  }
}

const lifts_told = (data) => ({
  says: "Each with what it is between, however often you look (95 %); coloured where it is sure.",
  columns: ["what", "lift", "between", "and"],
  rows: data.rows.map((one) => [one.name, ...[one.lift, ...one.interval].map(signed)]),
});

export function business(place, desk, query) {
  const by = query.get("by") ?? "all";
  const value = query.get("value") ?? "";
  const state = h("p", { class: "muted", role: "status" });
  const choice = h("select", { id: "scope", onchange: () => desk.go(`#/business?${choice.value}`) });
  const said = h("section", { class: "card", "aria-label": "In words" });
  const days = chart("Day by day", by_day, days_told);
  const which = h("select", { id: "kpi", onchange: () => draw() });
  const numbers = h("div");
  const lift = h("div");
  const alerts = h("section", { class: "card", "aria-label": "Alerts" });
  const body = h("div", { class: "column", hidden: true }, alerts, said,
    h("div", { class: "row" }, h("label", { for: "kpi" }, "KPI"), which), days.node,
    h("details", {}, h("summary", {}, "The numbers"), numbers, lift));
  renew(place, h("p", { class: "muted" }, "People with personal recommendations beside those who are held out: the KPIs of ", h("code", {}, "kairos kpi"), "."),
    h("div", { class: "row" }, h("label", { for: "scope" }, "Of"), choice), state, body);
  let found = null;
  desk.every(EVERY_MS, async () => {
    const newest = await desk.get("business", { by, value });
    renew(state, state_of(newest));
    if (!newest.counted_ms || newest.counted_ms === found?.counted_ms) return;
    found = newest;
    body.hidden = false;
    anew(alerts, alerts_told(found.alerts));
    choices();
    tell();
    draw();
  });

  function choices() {
    const option = (one, name) => h("option", { value: new URLSearchParams(one), selected: one.by === by && one.value === value }, name);
    renew(choice, option({ by: "all", value: "" }, "everything"), Object.entries(GROUPS).map(([group, label]) => {
      const several = found.scopes.filter((one) => one.by === group);
      return several.length > 0 && h("optgroup", { label }, several.map((one) => option(one, one.value)));
    }));
    const before = which.value || "revenue_per_visit";
    renew(which, found.scope.kpis.map((one) => h("option", { value: one.name, selected: one.name === before }, words(one.name))));
  }

  function tell() {
    const { scope } = found;
    renew(said, h("h2", {}, "In words"),
      !found.is_held_out && h("p", { class: "notice" }, "The live policy holds nobody out: with a share in ", h("code", {}, "holdout"), " you see what personalisation earns."),
      scope.sentences.map((one) => h("p", { class: "sentence" }, one)),
      !scope.sentences.length && h("p", { class: "muted" }, "Nothing is known yet."),
      h("p", { class: "muted" }, `${number(scope.people[0])} people with personal recommendations, ${number(scope.people[1])} held out; the last 90 days. Each sentence holds by itself however often you look; of many groups, one of twenty may be wrong.`));
    renew(numbers, table("KPIs", ["KPI", "is", ...SIDES, "lift", "between", "and"], scope.kpis.map((one) => [
      h("strong", {}, words(one.name), one.is_guardrail && " (guardrail)"), one.says, ...one.values, ...[one.lift, ...(one.interval ?? [null, null])].map(signed)])));
    const known = scope.kpis.filter((one) => one.interval && one.interval[0] !== null && one.interval[1] !== null);
    renew(lift);
    if (known.length) {
      const picture = chart("Lift against the holdout", lifts, lifts_told);
      lift.append(picture.node);
      picture.show({ rows: known.map((one) => ({ ...one, name: words(one.name), is_good: one.lift > 0 === (one.better !== "less") })) });
    }
  }

  function draw() {
    const { scope } = found;
    const kpi = scope.kpis.find((one) => one.name === which.value) ?? scope.kpis[0];
    if (!scope.days.length) { days.node.hidden = true; return; }
    days.node.hidden = false;
    const series = SIDES.map((name, at) => ({ name, values: scope.days.map((one) => one.values[kpi.name][at]) }));
    const sides = series.slice(1).filter((one) => one.values.some((each) => each !== null));
    // where nobody is held out there are no sides
    days.show({ kpi, unit: kpi.unit, days: scope.days.map((one) => one.day), series: sides.length ? sides : series.slice(0, 1) });
  }
}

/** The newest alerts, in words; the figures behind each one click away. */
function alerts_told({ shown, foreign, fault }) {
  return [h("h2", {}, "Alerts"),
    fault && h("p", { class: "problem" }, `No alerts are looked for now: ${fault}`),
    shown.length ? h("ul", { class: "alerts" }, shown.map(alert_told))
      : h("p", { class: "muted" }, "No hour was other than the same hours of past weeks, as far as it was looked at."),
    foreign > 0 && h("p", { class: "muted" }, `Records of the topic that are no alerts, left out: ${number(foreign)}.`)];
}

function alert_told(one) {
  const figures = ({ off }, name, past = []) => [name, off.value, off.expected, off.of, off.errors, past.map((each) => number(each, each % 1 ? 3 : 0)).join(", ")];
  const cell = ({ dimension, value }) => (dimension === "all" ? "all of it" : `${dimension} ${value}`);
  return h("li", { id: `alert-${one.alert_id}` },
    h("p", {}, badge(one.is_bad ? "bad news" : "no bad news", one.is_bad ? "bad" : "ok"), " ", one.says),
    h("details", {}, h("summary", {}, "The evidence"),
      table(`Evidence: ${words(one.kpi)}, ${one.says.split(": ")[0]}`, ["of", "was", "expected", "of so many", "standard errors", "the weeks before"],
        [figures(one, cell(one), one.past), one.cause && figures(one.cause, `because of ${cell(one.cause)}`)].filter(Boolean)),
      !one.cause && h("p", { class: "muted" }, "It is everywhere alike: no placement, arm, action or segment explains it.")));
}

function days_told({ kpi, days, series, unit }) {
  return {
    says: `${words(kpi.name)}: ${kpi.says}, by day (UTC).`,
    columns: ["day", ...series.map((one) => one.name)],
    rows: days.map((day, at) => [day_name(day), ...series.map((one) => kpi_value(one.values[at], unit))]).reverse(),
  };
}
