// Policies that are not in force: drafts, what was published for a time to come, and the fields that say from when until when.

import { badge, card, h, moment, renew, table } from "./dom.js";
import { change, confirm_change } from "./views.js";

const code = (text) => h("code", {}, text);
const STATES = { live: "ok", coming: "", "taken back": "warn" };

/** The drafts; `open` gets the one that is chosen, with its text. */
export function drafts(desk, open) {
  const list = h("div");
  const may = desk.may("marketer");

  async function load() {
    const { drafts: found } = await desk.get("drafts");
    renew(list, table("Drafts", ["draft", "what it is", "saved", "by", "note", "do"], found.map((one) => [
      h("strong", {}, one.name),
      one.version ? [code(one.version), one.state && badge(one.state, STATES[one.state])] : badge(mistakes(one.mistakes.length), "warn"),
      moment(one.saved_ms), one.author, one.note,
      h("span", { class: "buttons" },
        h("button", { class: "quiet", onclick: () => take(one.name) }, may ? "Open" : "Show", h("span", { class: "unseen" }, ` ${one.name}`)),
        may && h("button", { class: "quiet", onclick: () => remove(one.name) }, "Delete …", h("span", { class: "unseen" }, ` ${one.name}`)))]),
    "There are none: nothing that is kept here decides anything until it is published."));
  }
  async function take(name) {
    const found = await desk.get("draft", { name }).catch((error) => desk.say(error.message, true));
    if (found) open(found);
  }
  async function remove(name) {
    if (!await confirm_change("Delete the draft", ["The draft ", h("strong", {}, name), " is gone then. What was published of it stays in force."], "Delete")) return;
    const gone = await desk.post("drafts/delete", { name }).catch((error) => desk.say(error.message, true));
    if (!gone) return;
    desk.say(`draft ${name} is deleted.`);
    await load();
    list.closest("section").querySelector("h2").focus();
  }
  const node = card("Drafts", list);
  node.querySelector("h2").setAttribute("tabindex", "-1");
  return { node, load };
}

/** What was published for a time to come; `changed` is called when something was taken back. */
export function scheduled(desk, changed) {
  const list = h("div");

  async function load() {
    const { scheduled: found } = await desk.get("scheduled");
    renew(list, table("Scheduled", ["version", "from", "there", "what", "by", "note", "do"], found.map((one) => [
      code(one.version), moment(one.effective_from_ms), one.local, one.is_return ? "takes over again" : "begins", one.author, one.note,
      desk.may("marketer") && h("button", { class: "quiet", onclick: () => back(one) }, "Take back …", h("span", { class: "unseen" }, ` ${one.version}`))]),
    "Nothing is published for a time to come."));
  }
  async function back({ version, effective_from_ms }) {
    if (!await confirm_change("Take it back", ["Policy ", code(version), " does not take over then: what is in force before goes on."], "Take back")) return;
    if (!await change(desk, "policy/take-back", { version, effective_from_ms }, "policy")) return;
    await changed();
    list.closest("section").querySelector("h2").focus();
  }
  const node = card("Scheduled", list);
  node.querySelector("h2").setAttribute("tabindex", "-1");
  return { node, load };
}

/** Two fields for when a policy is to be in force, in the time zone of the policy that was checked. */
export function times() {
  const from = h("input", { id: "policy-from", type: "datetime-local", "aria-describedby": "policy-zone" });
  const until = h("input", { id: "policy-until", type: "datetime-local", "aria-describedby": "policy-zone" });
  const zone = h("small", { id: "policy-zone" }, "Empty: in two seconds, and until another one is published. In the time zone of the policy.");
  const shown = (text) => text.replace("T", " ");
  return {
    node: h("fieldset", {}, h("legend", {}, "When"), h("div", { class: "fields" },
      h("div", { class: "field" }, h("label", { for: "policy-from" }, "From"), from),
      h("div", { class: "field" }, h("label", { for: "policy-until" }, "Until"), until)), zone),
    values: () => ({ starts: from.value, ends: until.value }),
    clear() { from.value = ""; until.value = ""; },
    of(name) { zone.textContent = `Empty: in two seconds, and until another one is published. Time of ${name}, as the policy says.`; },
    words: (name) => [from.value ? ` decides from ${shown(from.value)} (${name}) on` : " decides in two seconds", until.value && `, until ${shown(until.value)} (${name})`].filter(Boolean).join(""),
  };
}

const mistakes = (count) => `${count} mistake${count > 1 ? "s" : ""}`;
