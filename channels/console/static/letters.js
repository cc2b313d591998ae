// Dead letters: the newest, all of them by reason, and a form that mends those of one reason and sends them again.

import { bars, chart } from "./charts.js";
import { badge, card, h, long_table, moment, number, renew, table } from "./dom.js";
import { confirm_change } from "./views.js";

const EVERY_MS = 5000;
const ROWS_SHOWN = 20;
const code = (text) => h("code", {}, text);
const lines_of = (field) => field.value.split("\n").map((one) => one.trim()).filter(Boolean);
const letters_of = (count) => `${number(count)} dead letter${count === 1 ? "" : "s"}`;

export function letters(place, desk) {
  const newest = h("div");
  const reasons = chart("By reason, the last 15 minutes", bars, (data) => ({
    says: data.rows.length ? `${number(data.rows.reduce((sum, one) => sum + one.value, 0))} records could not be used.` : "No record was refused.",
    columns: ["reason", "the last 15 minutes", "since the job's start"],
    rows: data.both,
  }));
  const head = h("p", { class: "muted" }, "Records that could not be used, each with its reason, its place in Kafka and its bytes. Nothing is lost: once mended, they can be sent again.");
  const mending = mend(desk, () => all.load());
  const all = kinds(desk, mending.open);
  renew(place, head, reasons.node, all.node, mending.node, card("The newest", newest));
  let seen = "";
  let counted = "";
  desk.every(EVERY_MS, async () => {
    const found = await desk.get("letters");
    const names = [...new Set([...Object.keys(found.recent), ...Object.keys(found.since_start)])];
    reasons.show({
      rows: Object.entries(found.recent).map(([name, value]) => ({ name, value, says: number(value), colour: 2 })),
      both: names.map((name) => [code(name), found.recent[name] ?? 0, found.since_start[name] ?? 0]),
    });
    const places = JSON.stringify(found.letters.map((one) => one.place));
    if (places !== seen) renew(newest, long_table("Dead letters, the newest first", ["when", "reason", "what is wrong", "place", "record"],
      found.letters.map((one) => [moment(one.at_ms), badge(one.reason, "warn"), one.message, code(one.place),
        h("details", {}, h("summary", {}, `${number(one.bytes)} bytes`), h("pre", { class: "raw" }, one.raw))]), ROWS_SHOWN, "There are no dead letters."));
    seen = places;
    if (places !== counted) await all.load(); // a failure is said, and asked again
    counted = places;
  });
}

/** All of them by reason and topic; `open` gets those that are to be mended. */
function kinds(desk, open) {
  const list = h("div");
  let seen = "";

  async function load() {
    const { kinds: found } = await desk.get("letters/kinds");
    const told = JSON.stringify(found);
    if (told === seen) return; // what is as it was keeps its focus
    seen = told;
    const may = desk.may("operator");
    renew(list, table("All dead letters by reason", ["reason", "of", "letters", "sent again", "newest", "for example", ...(may ? ["do"] : [])],
      found.map((one) => [badge(one.reason, "warn"), code(one.topic), one.letters, one.replayed, moment(one.newest_ms), code(one.example),
        ...(may ? [h("button", { class: "quiet", type: "button", onclick: () => open(one) }, "Mend …", h("span", { class: "unseen" }, ` ${one.reason} of ${one.topic}`))] : [])]),
      "There are no dead letters in the log."));
  }
  return { node: card("All of them, by reason", list), load };
}

/** The form that mends: nothing is sent before it was shown what becomes of it. `changed` is called when some were sent. */
function mend(desk, changed) {
  const node = h("div");

  function open(kind) {
    const renames = lines("letters-rename", "Rename fields", "OLD=NEW, one a line", touched);
    const values = lines("letters-set", "Give fields a value", "NAME=VALUE, one a line; JSON, else a text", touched);
    const drops = lines("letters-drop", "Leave fields out", "NAME, one a line", touched);
    const mapping = h("textarea", { id: "letters-mapping", rows: "8", spellcheck: "false", autocapitalize: "off", oninput: touched });
    const found = h("div", { "aria-live": "polite" });
    const send = h("button", { class: "main", type: "button", disabled: true, onclick: put }, "Send again …");
    const form = card(`Mend ${kind.reason} of ${kind.topic}`,
      h("p", { class: "muted" }, "Names with dots lead into objects: ", code("properties.size"), ". Ids and times stay as they were sent."),
      h("div", { class: "fields" }, renames.node, values.node, drops.node),
      h("details", {}, h("summary", {}, "By a mapping"), h("label", { for: "letters-mapping" }, "Mapping (YAML)"), mapping),
      h("p", { class: "buttons" }, h("button", { type: "button", onclick: show }, "Show what it makes"), send), found);
    const title = form.querySelector("h2");
    title.setAttribute("tabindex", "-1");
    renew(node, form);
    title.focus();
    let tried = null;

    function touched() { tried = null; send.disabled = true; }
    const body = () => ({ reason: kind.reason, topic: kind.topic, renames: lines_of(renames.field), values: lines_of(values.field), drops: lines_of(drops.field), mapping: mapping.value });

    async function show() {
      touched();
      const asked = body();
      const told = await desk.post("letters/repair", asked).catch((error) => renew(found, h("p", { class: "problem" }, error.message)) && null);
      if (!told) return;
      tried = asked;
      send.disabled = !told.events;
      renew(found, h("p", { class: "sentence" }, `${letters_of(told.letters)}: ${number(told.events)} would be events, ${number(told.invalid)} still none.`),
        h("h3", {}, told.shown.length < told.letters ? `The newest ${told.shown.length}` : "All of them"), told.shown.map(letter));
    }
    async function put() {
      if (!tried) return;
      if (!await confirm_change("Send dead letters again", "Those that are events now go through the front door with their own ids and times: each once, however often it is asked. What is still no event stays.", "Send again")) return;
      const done = await desk.post("letters/replay", tried).catch((error) => desk.say(error.message, true));
      if (!done) return;
      touched();
      desk.say(done.sentence);
      renew(found, h("p", { class: "sentence" }, done.sentence));
      await changed();
    }
  }
  return { node, open };
}

/** What became of one letter: line by line what the edits changed, and whether it is an event. */
function letter(one) {
  return h("div", {}, h("p", {}, code(one.place), " ", one.is_event ? badge("an event", "ok") : badge("still no event", "warn"), one.is_replayed && badge("sent before"), one.fault && ` ${one.fault}`),
    one.differences.length > 0 && h("pre", { class: "file changes", tabindex: "0", "aria-label": `What changes in ${one.place}` },
      one.differences.map((line) => h("span", { class: { "+": "new", "-": "gone" }[line[0]] ?? "other" }, `${line}\n`))));
}

function lines(id, label, hint, oninput) {
  const field = h("textarea", { id, rows: "3", spellcheck: "false", autocapitalize: "off", "aria-describedby": `${id}-hint`, oninput });
  return { field, node: h("div", { class: "field" }, h("label", { for: id }, label), field, h("small", { id: `${id}-hint` }, hint)) };
}
