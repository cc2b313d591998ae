// Offers by form: one action of the policy at a time. What is wrong is said at its field; nothing goes live without a preview.

import { language_name, offer_card } from "./cards.js";
import { card, h, renew, table } from "./dom.js";
import { change, confirm_change, differences, what_if } from "./views.js";

const HOWS = { is: "is", is_not: "is not", at_least: "is at least", at_most: "is at most", above: "is more than", below: "is less than", has: "contains", has_not: "does not contain" };
const GROUPS = { segment: "Segments of the policy", session: "This visit", person: "The person", context: "The moment" };
const NAMES = { title: "Title", text: "Text", code: "Code to use", button: "Button", link: "Link of the button", image: "Picture (address)", reason: "Why the person gets it, in one sentence" };
const SETTLED_MS = 800;
const EMPTY = { id: "", placements: [], content: {}, reason: {}, who: [], needs_consent: true, starts: "", ends: "", value: "1", times: "1", within_days: "30", cool_down_hours: "", never_after_dismissal: true, never_after_click: false, per_day: "", total: "", cost: "1" };

const code = (text) => h("code", {}, text);

export function offers(place, desk) {
  async function list() {
    const found = await desk.get("offers").catch((error) => desk.say(error.message, true));
    if (!found) return;
    const rows = found.offers.map(({ form, kept }) => [h("strong", {}, title_of(form, found)), code(form.id), form.placements.join(", "), when_of(form), limit_of(form),
      desk.may("marketer") && h("span", { class: "buttons" },
        h("button", { class: "quiet", onclick: () => edit(found, form, kept, false) }, "Change …", h("span", { class: "unseen" }, ` ${form.id}`)),
        h("button", { class: "quiet", onclick: () => back(found, form.id) }, "Take back …", h("span", { class: "unseen" }, ` ${form.id}`)))]);
    renew(place,
      h("p", { class: "muted" }, "Each offer is one action of the live policy. The page Policy has the whole of it, and every version before."),
      desk.may("marketer") && h("p", { class: "buttons" },
        h("button", { class: "main", onclick: () => edit(found, EMPTY, [], true) }, "New offer"),
        h("button", { onclick: () => undo() }, "Undo the last change …")),
      card("Offers", table("Offers", ["offer", "name", "where", "when", "limit", "do"], rows, "The policy has none yet.")));
  }

  function edit(found, form, kept, is_new) {
    const title = h("h2", { tabindex: "-1" }, is_new ? "New offer" : ["Offer ", code(form.id)]);
    renew(place, title, form_for(desk, found, { form, kept, is_new }, leave));
    title.focus();
    window.scrollTo(0, 0);
  }

  async function leave() {
    await list();
    place.querySelector("button")?.focus();
  }

  async function back(found, id) {
    if (!await confirm_change("Take the offer back", ["In two seconds nobody gets ", code(id), " any more. Its versions stay on the page Policy."], "Take back")) return;
    if (await change(desk, "offers/take-back", { base: found.base, id, note: `${id} taken back` }, "policy")) await leave();
  }

  async function undo() {
    if (!await confirm_change("Undo the last change", "The policy that was in force before the present one decides in two seconds. Done twice, it is undone.", "Put in force")) return;
    if (await change(desk, "policy/rollback", { version: "" }, "policy")) await leave();
  }

  return list();
}

const title_of = (form, found) => found.languages.map((one) => form.content.title?.[one]).find(Boolean) ?? form.id;
const shown_time = (text) => text.replace("T", " ");
const when_of = (form) => [form.starts && `from ${shown_time(form.starts)}`, form.ends && `until ${shown_time(form.ends)}`].filter(Boolean).join(" ") || "always";
const limit_of = (form) => [form.times && `${form.times === "1" ? "once" : `${form.times} times`} in ${form.within_days} days`, form.per_day && `${form.per_day} a day`, form.total && `${form.total} in all`].filter(Boolean).join(", ") || "none";

function form_for(desk, found, { form, kept, is_new }, leave) {
  const fields = new Map(); // by the name that faults have
  let checked = null;
  const told = h("div", { class: "offer", "aria-live": "polite" });
  const publish = h("button", { class: "main", type: "button", disabled: true, onclick: put }, "Publish …");
  const draft = h("button", { type: "button", disabled: true, onclick: keep }, "Save as draft");

  function field(name, label, control, hint = "") {
    const id = `offer-${name.replace(/\W/g, "-")}`;
    const problem = h("p", { class: "problem", id: `${id}-problem` });
    control.id = id;
    control.setAttribute("aria-describedby", `${id}-problem${hint ? ` ${id}-hint` : ""}`);
    fields.set(name, { control, problem });
    return h("div", { class: "field" }, h("label", { for: id }, label), control, hint && h("small", { id: `${id}-hint` }, hint), problem);
  }
  const input = (value, more = {}) => h("input", { value, autocomplete: "off", ...more });
  const check = (name, label) => {
    const box = h("input", { type: "checkbox", checked: form[name] });
    fields.set(name, { control: box, problem: h("p") });
    return h("label", { class: "check" }, box, label);
  };

  const texts = found.languages.map((language, at) => {
    const inner = h("div", { class: "fields" },
      [...found.texts, "reason"].map((name) => {
        const value = (name === "reason" ? form.reason : form.content[name])?.[language] ?? "";
        const is_long = name === "text" || name === "reason";
        const control = is_long ? h("textarea", { rows: "2", class: "prose" }, value) : input(value);
        return field(name === "reason" ? `reason.${language}` : `content.${name}.${language}`, NAMES[name], control,
          name === "image" ? "Of this site, such as /shop/sale.svg, or a whole address." : "");
      }));
    return found.languages.length === 1 ? inner : h("details", { open: at === 0 }, h("summary", {}, `In ${language_name(language)}`), inner);
  });
  const places = found.placements.map((one) => {
    const box = h("input", { type: "checkbox", checked: form.placements.includes(one.name), value: one.name });
    return { box, node: h("label", { class: "check" }, box, code(one.name), one.page && h("small", {}, `page: ${one.page}`)) };
  });
  const where = h("p", { class: "problem", id: "offer-placements-problem" });
  fields.set("placements", { control: places[0]?.box ?? where, problem: where });
  const reached = h("p", { class: "sentence reach", role: "status" });
  let asked = 0; // the newest question of how many people meet it: an older answer is not shown
  const who = conditions_for(found, form, fields);
  const value = (name) => fields.get(name).control.value;
  const said = (prefix) => Object.fromEntries(found.languages.map((one) => [one, value(`${prefix}.${one}`)]).filter(([, text]) => text.trim()));

  const node = h("form", { class: "offer", novalidate: true, oninput: stale, onchange: stale, onsubmit: (event) => { event.preventDefault(); preview(); } },
    h("fieldset", {}, h("legend", {}, "What it says"),
      is_new && field("id", "Name in reports", input("", { spellcheck: "false" }), "Letters, digits, _ and -: it stays the same for ever."), texts),
    h("fieldset", { "aria-describedby": "offer-placements-problem", oninput: recount }, h("legend", {}, "Where it may be shown"), h("div", { class: "fields" }, places.map((one) => one.node)), where),
    h("fieldset", { oninput: recount }, h("legend", {}, "Who gets it"),
      h("p", { class: "muted" }, "People for whom all of this holds; where something is not known of a person, it does not hold. None: everybody."),
      who.node,
      kept.length > 0 && [h("p", { class: "muted" }, "This holds, too; the form cannot show it and leaves it as it is:"), h("ul", { class: "mistakes" }, kept.map((one) => h("li", {}, code(one))))],
      check("needs_consent", "Only people who agreed to personalisation"), reached),
    h("fieldset", {}, h("legend", {}, "When"), h("div", { class: "fields" },
      field("starts", "From", input(form.starts, { type: "datetime-local" }), `Empty: at once. Time of ${found.time_zone}.`),
      field("ends", "Until", input(form.ends, { type: "datetime-local" }), "Empty: until it is taken back."))),
    h("fieldset", {}, h("legend", {}, "How often, and for how much"), h("div", { class: "fields" },
      field("times", "Times a person", input(form.times, { inputmode: "numeric" }), "Empty: no limit."),
      field("within_days", "Within days", input(form.within_days, { inputmode: "decimal" })),
      field("cool_down_hours", "Hours between two", input(form.cool_down_hours, { inputmode: "decimal" })),
      field("value", `Worth (${found.currency})`, input(form.value, { inputmode: "decimal" }), "What an accepted one is worth: the more, the sooner it wins against others."),
      field("cost", `Cost of one (${found.currency})`, input(form.cost, { inputmode: "decimal" })),
      field("per_day", `Budget a day (${found.currency})`, input(form.per_day, { inputmode: "decimal" }), "Empty: no bound."),
      field("total", `Budget in all (${found.currency})`, input(form.total, { inputmode: "decimal" }), "Empty: no bound.")),
    check("never_after_dismissal", "Never again after it was closed"), check("never_after_click", "Never again after it was clicked")),
    h("fieldset", {}, h("legend", {}, "Publish"),
      field("note", "Note for colleagues", input("", { maxlength: "300" }), "Why this change: it stands beside the version, with your name."),
      h("p", { class: "buttons" }, h("button", { type: "submit" }, "Preview"), publish, draft, h("button", { class: "quiet", type: "button", onclick: leave }, "Back to the list"))),
    told);
  if (!is_new) recount();
  return node;

  /** Says how many people meet it, once nothing was changed for a moment. */
  async function recount() {
    asked += 1;
    const mine = asked;
    await new Promise((wake) => setTimeout(wake, SETTLED_MS));
    if (mine !== asked || !reached.isConnected) return;
    reached.textContent = "Counting who meets this, by last week's log …";
    const answer = await desk.post("offers/reach", { base: found.base, offer: typed(), is_new }).catch((error) => ({ sentence: error.message }));
    if (mine === asked) reached.textContent = answer.sentence;
  }

  function stale() { checked = null; publish.disabled = draft.disabled = true; }

  function typed() {
    const made = { ...form, placements: places.filter((one) => one.box.checked).map((one) => one.box.value), who: who.rows(), reason: said("reason"), content: {} };
    for (const name of found.texts) {
      const text = said(`content.${name}`);
      if (Object.keys(text).length) made.content[name] = text;
    }
    for (const name of ["starts", "ends", "times", "within_days", "cool_down_hours", "value", "cost", "per_day", "total"]) made[name] = value(name);
    for (const name of ["needs_consent", "never_after_dismissal", "never_after_click"]) made[name] = fields.get(name).control.checked;
    if (is_new) made.id = value("id").trim();
    return made;
  }

  async function preview() {
    stale();
    for (const one of fields.values()) { one.problem.textContent = ""; one.control.removeAttribute("aria-invalid"); }
    const offer = typed();
    const answer = await desk.post("offers/preview", { base: found.base, offer, is_new }).catch((error) => desk.say(error.message, true));
    if (!answer) return;
    if (!answer.is_ok) { faults(answer.faults); return; }
    checked = offer;
    publish.disabled = draft.disabled = answer.changes.length === 0;
    const heading = h("h2", { tabindex: "-1" }, "Preview");
    renew(told, h("section", { class: "card" }, heading,
      h("div", { class: "sees" }, answer.cards.map((one) => offer_card(one, answer.cards.length > 1))),
      h("p", { class: "muted" }, `At ${answer.cards[0]?.placements.join(", ") || "no placement"}, as far as the page there shows these texts.`),
      answer.warnings.map((one) => h("p", { class: "notice" }, one)),
      answer.changes.length > 0 && what_if(desk, "offers/what-if", { base: found.base, offer, is_new }),
      answer.changes.length ? h("details", {}, h("summary", {}, `What changes in the policy's file (${answer.changes.length})`), differences(answer.changes, "")) : h("p", { class: "notice" }, "It is as the live one: there is nothing to publish.")));
    heading.focus({ preventScroll: true });
    heading.scrollIntoView({ block: "start" });
    recount();
  }

  function faults(found_faults) {
    const others = [];
    let first = null;
    for (const [name, text] of Object.entries(found_faults)) {
      const one = fields.get(name);
      if (!one) { others.push(text); continue; }
      one.problem.textContent = text;
      one.control.setAttribute("aria-invalid", "true");
      const folded = one.control.closest("details");
      if (folded) folded.open = true;
      first ??= one.control;
    }
    const count = Object.keys(found_faults).length;
    renew(told, h("p", { class: "problem" }, `${count} ${count > 1 ? "things are" : "thing is"} not right yet: each is said at its field.`), others.map((one) => h("p", { class: "problem" }, one)));
    first?.focus();
  }

  async function keep() {
    if (!checked) return;
    const saved = await desk.post("offers/draft", { base: found.base, offer: checked, is_new, note: value("note").trim() }).catch((error) => desk.say(error.message, true));
    if (saved) desk.say(`draft ${saved.name} is saved: the page Policy has it, and publishes it at once or for a time to come.`);
  }

  async function put() {
    if (!checked) return;
    if (!await confirm_change("Publish this offer", ["In two seconds ", code(checked.id), " may be shown to people."], "Publish")) return;
    if (await change(desk, "offers/publish", { base: found.base, offer: checked, is_new, note: value("note").trim() }, "policy")) await leave();
  }
}

/** The rows of conditions; each `fields` entry is `who.N`, renewed when a row comes or goes. */
function conditions_for(found, form, fields) {
  const choices = new Map(found.choices.map((one) => [one.of, one]));
  const list = h("ol", { class: "conditions" });
  const add = h("button", { type: "button", onclick: () => { row({ of: "", how: "is", value: "", name: "" }); number(); rows.at(-1).of.focus(); } }, "Add a condition");
  let rows = [];
  form.who.forEach(row);
  number();
  return { node: h("div", { class: "column" }, list, h("p", {}, add)), rows: () => rows.map((one) => ({ of: one.of.value, how: one.how.value, value: choices.get(one.of.value)?.type === "bool" ? "" : one.value.value, name: one.name })) };

  function row({ of, how, value, name }) {
    const meaning = h("small");
    const made = {
      name, meaning,
      of: h("select", { "aria-label": "What", onchange: () => draw(made) }, h("option", { value: "" }, "Choose …"),
        Object.entries(GROUPS).map(([group, label]) => h("optgroup", { label }, found.choices.filter((one) => one.of.startsWith(`${group}.`)).map((one) => h("option", { value: one.of, selected: one.of === of }, words(one.of)))))),
      how: h("select", { "aria-label": "How it compares" }),
      value: h("input", { "aria-label": "With what", value, autocomplete: "off" }),
      problem: h("p", { class: "problem" }),
    };
    made.node = h("li", {}, made.of, made.how, made.value,
      h("button", { class: "quiet", type: "button", onclick: () => { rows = rows.filter((one) => one !== made); made.node.remove(); number(); add.focus(); list.dispatchEvent(new Event("input", { bubbles: true })); } }, "Remove"), meaning, made.problem);
    rows.push(made);
    list.append(made.node);
    draw(made, how);
  }

  function draw(one, how = one.how.value) {
    const choice = choices.get(one.of.value);
    renew(one.how, (choice?.hows ?? ["is"]).map((each) => h("option", { value: each, selected: each === how }, HOWS[each])));
    const is_bool = choice?.type === "bool";
    for (const word of one.how.options) if (is_bool) word.textContent = word.value === "is" ? "holds" : "does not hold";
    one.value.hidden = is_bool;
    one.meaning.textContent = choice?.meaning ?? "";
  }

  function number() {
    for (const name of [...fields.keys()]) if (name.startsWith("who.")) fields.delete(name);
    rows.forEach((one, at) => {
      one.problem.id = `offer-who-${at}-problem`;
      one.meaning.id = `offer-who-${at}-meaning`;
      one.of.setAttribute("aria-describedby", `${one.problem.id} ${one.meaning.id}`);
      fields.set(`who.${at}`, { control: one.of, problem: one.problem });
    });
  }
}

/** `session.cart_value` as people say it. */
const words = (of) => of.slice(of.indexOf(".") + 1).replaceAll("_", " ");
