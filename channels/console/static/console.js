// The console's frame: who is signed in, which page is shown, asking the server.

import { h, renew } from "./dom.js";
import { letters } from "./letters.js";
import { offers } from "./offers.js";
import { business, experiments } from "./outcomes.js";
import { catalogue, today } from "./today.js";
import { audit, look, models, now, policy } from "./views.js";

const RANKS = ["viewer", "marketer", "operator"];
const PAGES = [
  { name: "now", title: "Now", view: now, role: "viewer" },
  { name: "look", title: "Look up", view: look, role: "viewer" },
  { name: "today", title: "Today", view: today, role: "viewer" },
  { name: "business", title: "Business", view: business, role: "viewer" },
  { name: "experiments", title: "Experiments", view: experiments, role: "viewer" },
  { name: "catalogue", title: "Catalogue", view: catalogue, role: "viewer" },
  { name: "letters", title: "Dead letters", view: letters, role: "viewer" },
  { name: "offers", title: "Offers", view: offers, role: "viewer" },
  { name: "policy", title: "Policy", view: policy, role: "viewer" },
  { name: "models", title: "Models", view: models, role: "viewer" },
  { name: "audit", title: "Audit log", view: audit, role: "operator" },
];
const main = document.getElementById("main");
const nav = document.getElementById("nav");
const who = document.getElementById("who");
const said = document.getElementById("said");

let me = null;
let leave = () => {};
let silence = 0;

/** What a view needs: asking, changing, saying, and whether a role may. */
const desk = {
  may: (role) => me !== null && RANKS.indexOf(me.role) >= RANKS.indexOf(role),
  get: (path, query = {}) => ask(`/console/api/${path}?${new URLSearchParams(query)}`),
  post: (path, body) => ask(`/console/api/${path}`, {
    method: "POST",
    headers: { "Content-Type": "application/json", "X-Kairos-Csrf": me?.csrf ?? "" },
    body: JSON.stringify(body ?? {}),
  }),
  say,
  go: (hash) => { location.hash = hash; },
  /** Calls `work` now and every `ms` while the page is shown; a failure is said and does not end it. */
  every(ms, work) {
    let is_shown = true;
    const turn = async () => {
      if (!is_shown) return;
      if (!document.hidden) await work().then(() => offline(""), (error) => offline(error.message));
      if (is_shown) setTimeout(turn, ms);
    };
    const before = leave;
    leave = () => { is_shown = false; before(); };
    return turn();
  },
};

async function ask(path, options = {}) {
  let response;
  try {
    response = await fetch(path, { credentials: "same-origin", ...options });
  } catch {
    throw new Error("The server does not answer.");
  }
  const found = await response.json().catch(() => ({}));
  if (response.ok) return found;
  const error = new Error(found.detail ?? `The server answered ${response.status}.`);
  error.status = response.status;
  if (response.status === 401 && me !== null) { me = null; sign_in(); }
  throw error;
}

/** One line at the bottom, for a while; read out by screen readers. */
function say(text, is_bad = false) {
  clearTimeout(silence);
  renew(said, h("p", { class: is_bad ? "bad" : "" }, text));
  silence = setTimeout(() => renew(said), is_bad ? 12000 : 6000);
}

function offline(why) {
  let bar = document.getElementById("offline");
  if (!why) { bar?.remove(); return; }
  if (!bar) {
    bar = h("p", { id: "offline", class: "notice bad", role: "alert" });
    main.before(bar);
  }
  if (bar.textContent !== why) bar.textContent = why;
}

function sign_in(why = "") {
  leave();
  leave = () => {};
  nav.hidden = true;
  renew(who);
  const problem = h("p", { class: "problem", role: "alert", id: "problem" }, why);
  const key = h("input", { id: "key", name: "key", type: "password", required: true, autocomplete: "current-password", "aria-describedby": "problem", spellcheck: "false" });
  const form = h("form", {
    class: "card sign-in",
    async onsubmit(event) {
      event.preventDefault();
      problem.textContent = "";
      try {
        me = await desk.post("sign-in", { key: key.value.trim() });
        await start();
      } catch (error) {
        problem.textContent = error.message;
        key.select();
      }
    },
  },
  h("h1", {}, "Sign in"),
  h("p", { class: "muted" }, "With a console key, as ", h("code", {}, "kairos key create --role …"), " has printed it."),
  h("label", { for: "key" }, "Key"), key, problem,
  h("button", { class: "main" }, "Sign in"));
  document.title = "Sign in · Kairos console";
  renew(main, form);
  key.focus();
}

async function start() {
  renew(nav, PAGES.filter((one) => desk.may(one.role)).map((one) => h("a", { href: `#/${one.name}` }, one.title)));
  nav.hidden = false;
  const out = h("button", { class: "quiet", onclick: () => desk.post("sign-out").catch(() => {}).finally(() => { me = null; sign_in(); }) }, "Sign out");
  renew(who, h("span", {}, me.is_open ? "open: no keys" : me.name, h("small", {}, me.role)), me.is_open ? null : out);
  show();
}

function show() {
  if (me === null) return;
  const [, name, query = ""] = location.hash.match(/^#\/(\w+)\??(.*)$/) ?? [];
  if (!name && location.hash.length > 1) return; // the link that skips the navigation
  const allowed = PAGES.filter((one) => desk.may(one.role));
  const page = allowed.find((one) => one.name === name) ?? allowed[0];
  leave();
  leave = () => {};
  offline("");
  for (const link of nav.children) {
    if (link.getAttribute("href") === `#/${page.name}`) {
      link.setAttribute("aria-current", "page");
      link.scrollIntoView({ block: "nearest", inline: "nearest" }); // on a phone the row of pages is wider than the screen
    }
    else link.removeAttribute("aria-current");
  }
  document.title = `${page.title} · Kairos console`;
  const place = h("div", { class: `view ${page.name}` });
  const title = h("h1", { tabindex: "-1" }, page.title);
  renew(main, title, place);
  if (name) title.focus({ preventScroll: true });
  window.scrollTo(0, 0);
  page.view(place, desk, new URLSearchParams(query));
}

window.addEventListener("hashchange", show);
ask("/console/api/me").then((found) => { me = found; return start(); }, (error) => sign_in(error.status === 401 ? "" : error.message));
