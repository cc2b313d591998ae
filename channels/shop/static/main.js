// The shop: which page an address is, the frame around it, and the way between client, pages and inspector.

import { draw } from "./cards.js";
import * as cart from "./cart.js";
import * as catalogue from "./catalogue.js";
import { announce, h, icon, ICONS } from "./dom.js";
import { Inspector } from "./inspector.js";
import * as service from "./service.js";
import { Tour } from "./tour.js";
import * as views from "./views.js";

const COUNTRIES = { DE: "Germany", AT: "Austria", BE: "Belgium", FR: "France", LU: "Luxembourg", NL: "Netherlands", GB: "Great Britain" };
const element = (id) => document.getElementById(id);
const main = element("main");
let inspector;
let tour;

const ROUTES = [
  [/^\/shop\/?$/, views.home],
  [/^\/shop\/c\/(?<path>.+?)\/?$/, views.category],
  [/^\/shop\/p\/(?<id>[^/]+)$/, views.product],
  [/^\/shop\/search$/, views.search],
  [/^\/shop\/cart$/, service.cartPage],
  [/^\/shop\/checkout$/, service.checkout],
  [/^\/shop\/thanks$/, service.thanks],
  [/^\/shop\/help(?:\/(?<topic>[^/]+))?$/, service.help],
  [/^\/shop\/sign-in$/, service.signIn],
  [/^\/shop\/privacy$/, service.privacy],
  [/^\/shop\/preferences$/, service.preferences],
  [/^\/shop\/magazine$/, service.magazine],
  [/^\/shop\/a\/(?<id>[^/]+)$/, service.article],
  [/^\/shop\/running-shoe-finder$/, service.finder],
];

/** Draws the page of the address; without `isFirst` the focus goes to its heading. */
function show(isFirst = false) {
  const found = ROUTES.map(([pattern, view]) => [pattern.exec(location.pathname), view]).find(([match]) => match);
  const groups = Object.entries(found?.[0].groups || {}).map(([name, value]) => [name, value === undefined ? value : decodeURIComponent(value)]);
  const query = new URLSearchParams(location.search).get("q") || "";
  const page = found?.[1]({ ...Object.fromEntries(groups), query, go }) || service.missing();
  document.title = `${page.title} · Larkmoor`;
  main.replaceChildren(...page.nodes.flat().filter(Boolean));
  element("query").value = location.pathname === "/shop/search" ? query : "";
  inspector.turn([...document.querySelectorAll("[data-kairos]")].map((one) => one.dataset.kairos));
  const event = page.event === "search_performed" && !query ? "page_viewed" : page.event;
  kairos.page(event, page.fields || {});
  page.after?.();
  tour.turned();
  if (!isFirst) {
    scrollTo(0, 0);
    main.querySelector("h1")?.focus({ preventScroll: true });
    announce(page.title);
  }
}

/** Goes to an address of the shop; with `isReplaced` the page is only drawn anew. */
function go(address, { isReplaced = false } = {}) {
  history[isReplaced ? "replaceState" : "pushState"]({}, "", address);
  show();
}

function frame() {
  const count = h("span", { class: "count-badge" });
  const cartLink = h("a", { href: "/shop/cart", class: "tool" }, icon(ICONS.cart), count);
  const tell = () => {
    count.textContent = cart.count() || "";
    cartLink.setAttribute("aria-label", `Cart, ${cart.count()} pieces`);
  };
  cart.onChange(tell);
  tell();
  const find = (event) => {
    event.preventDefault();
    go(`/shop/search?q=${encodeURIComponent(element("query").value.trim())}`);
  };
  const country = h("select", { id: "country", "aria-label": "Deliver to", onchange: (event) => kairos.context({ country: event.target.value }) },
    Object.entries(COUNTRIES).map(([code, name]) => h("option", { value: code }, name)));
  element("head").append(
    h("div", { class: "offer-bar", "data-kairos": "offer_bar", role: "region", "aria-label": "Offers" }),
    h("div", { class: "bar" },
      h("a", { href: "/shop/", class: "brand" }, mark(), "Larkmoor"),
      h("form", { class: "find", role: "search", action: "/shop/search", onsubmit: find }, h("input", { id: "query", name: "q", type: "search", placeholder: "Search", "aria-label": "Search", maxlength: "200" }), h("button", { type: "submit", "aria-label": "Search" }, icon(ICONS.search))),
      h("div", { class: "tools" },
        h("a", { href: "/shop/sign-in", class: "tool", "aria-label": "Account" }, icon(ICONS.person)), cartLink,
        h("button", { type: "button", class: "tool eye", id: "inspect", "aria-label": "Inspector", "aria-expanded": "false", "aria-controls": "inspector" }, icon(ICONS.eye), h("span", {}, "Inspector")))),
    h("nav", { class: "menu", "aria-label": "Main" },
      catalogue.DEPARTMENTS.map((one) => h("a", { href: `/shop/c/${one.path}` }, one.name)),
      h("a", { href: "/shop/c/Sports/Running/Shoes" }, "Running shoes"), h("a", { href: "/shop/magazine" }, "Magazine"), h("a", { href: "/shop/help" }, "Help")));
  draw(document.querySelector(".offer-bar"), null);
  element("foot").append(
    h("p", {}, "Larkmoor is made up, and so is everything in it. What you see is decided by Kairos while you look."),
    h("nav", { "aria-label": "Service" }, h("a", { href: "/shop/help/shipping-and-returns" }, "Shipping & returns"), h("a", { href: "/shop/privacy" }, "Privacy"), h("a", { href: "/shop/preferences" }, "What you like"), h("a", { href: "/docs" }, "API")),
    h("label", {}, "Deliver to ", country));
  kairos.context({ country: "DE" });
}

function mark() {
  const picture = h("img", { src: "/shop/icon.svg", width: "28", height: "28", alt: "" });
  return picture;
}

/** Asks once for consent, in the way of nothing. */
function askConsent() {
  const box = element("consent");
  if (kairos.isOptedOut || kairos.consent()) return;
  const answer = (purposes) => () => {
    kairos.consent(purposes);
    box.hidden = true;
    main.focus({ preventScroll: true });
  };
  box.replaceChildren(
    h("p", { id: "consent-text" }, "May we choose for you by what you do here? Without that nothing is stored in this browser. ", h("a", { href: "/shop/privacy" }, "More")),
    h("div", { class: "asks" }, h("button", { type: "button", class: "button", onclick: answer(["personalisation", "analytics"]) }, "Yes, choose for me"), h("button", { type: "button", class: "button plain", onclick: answer([]) }, "Only what is needed")));
  box.setAttribute("role", "region");
  box.setAttribute("aria-label", "Consent");
  box.hidden = false;
}

/** The chat that the assistant opens: what is written is an event; nobody answers, and it says so. */
function openChat() {
  const box = element("assistant");
  const log = h("div", { class: "chat-log", role: "log" }, h("p", {}, "Hello! This is a demo, so no colleague sits here. What you write reaches the engine as a support message."));
  const input = h("input", { "aria-label": "Your message", maxlength: "500", required: true });
  const send = (event) => {
    event.preventDefault();
    kairos.track("support_message", { properties: { text: input.value } });
    log.append(h("p", { class: "mine" }, input.value), h("p", {}, "Thank you, noted."));
    input.value = "";
  };
  box.classList.add("decided");
  box.replaceChildren(h("button", { type: "button", class: "round", "aria-label": "Close the chat", "data-kairos-ignore": "", onclick: () => draw(box, null) }, icon(ICONS.close)),
    h("h2", {}, "Chat"), log, h("form", { class: "find", onsubmit: send }, input, h("button", { type: "submit", "data-kairos-ignore": "" }, "Send")));
  input.focus();
}

function listen() {
  document.addEventListener("kairos", (event) => {
    event.preventDefault();
    const begun = performance.now();
    draw(event.target, event.detail);
    inspector.decided(event.target.dataset.kairos, event.detail, performance.now() - begun);
    tour.decided(event.target.dataset.kairos, event.detail);
  });
  document.addEventListener("kairos:sent", (event) => {
    inspector.sent(event.detail);
    tour.sent(event.detail);
  });
  document.addEventListener("click", (event) => {
    const why = event.target.closest("[data-why]");
    const link = event.target.closest("a[href^='/shop']:not([target])");
    const chosen = event.target.closest("[data-tour]");
    tour.pressed(event.target);
    if (why) inspector.explain(why.dataset.why, why.dataset.whyItem, why);
    else if (chosen) tour.start(chosen.dataset.tour);
    else if (event.target.closest("[data-chat]")) openChat();
    else if (event.target.closest("[data-kairos-skip]")) event.target.closest("[data-item]").classList.add("leaving");
    else if (link && !event.defaultPrevented && event.button === 0 && !(event.metaKey || event.ctrlKey || event.shiftKey || event.altKey)) {
      event.preventDefault();
      go(link.getAttribute("href"));
    }
  });
  addEventListener("popstate", () => show());
}

const KEPT_KEY = "larkmoor.key";

/** The API has keys: the shop needs one for browsers, and asks for it. */
function askKey() {
  const enter = (event) => {
    event.preventDefault();
    sessionStorage.setItem(KEPT_KEY, event.target.elements.key.value.trim());
    open();
  };
  main.replaceChildren(
    h("h1", {}, "This API has keys"), h("p", {}, "Make one for the shop's pages and give it here; it is kept until this tab closes."),
    h("p", {}, h("code", {}, "kairos key create --name shop --scope events:write --scope decisions:read --browser")),
    h("form", { class: "form", onsubmit: enter }, h("label", { for: "key" }, "The browser key"), h("input", { id: "key", name: "key", required: true, autocomplete: "off", spellcheck: "false" }), h("button", { class: "button", type: "submit" }, "Open the shop")));
}

/** An engine without the shop's items: somebody's own, most likely. */
function tellEmpty() {
  main.replaceChildren(
    h("h1", {}, "This engine has no demo shop"),
    h("p", {}, "Larkmoor, the made-up shop, sells what the demo's catalogue holds, and this engine's catalogue does not hold it."),
    h("ul", { class: "links" },
      h("li", {}, h("code", {}, "kairos demo"), " runs the shop, beside this engine and apart from its data."),
      h("li", {}, h("code", {}, "kairos up --shop"), " puts the shop's items and policy into an engine of its own home."),
      h("li", {}, "For your own pages: ", h("a", { href: "/docs", target: "_self" }, "the API"), " and docs/channels.md. What the engine does: ", h("a", { href: "/console/", target: "_self" }, "the console"), ".")));
}

async function open() {
  kairos.key(sessionStorage.getItem(KEPT_KEY) || undefined);
  try {
    await catalogue.load();
  } catch (error) {
    if (error.status === 401 || error.status === 403) askKey();
    else main.replaceChildren(h("h1", {}, "The catalogue cannot be read"), h("p", { class: "notice" }, `${error.message}. Is the API up? `, h("a", { href: "/shop/", target: "_self" }, "Try again")));
    return;
  }
  if (catalogue.isEmpty()) {
    tellEmpty();
    return;
  }
  show(true);
  element("foot").hidden = false; // not before there is something above it: it would jump
  askConsent();
}

frame();
inspector = new Inspector(element("inspector"), element("inspect"), catalogue.find);
tour = new Tour(element("tour"), go);
listen();
// who clicks in anger may be offered help, and who is about to go is told of the cart: where the page has a place for it
window.KairosCapture?.start(kairos, { rage: { placements: ["assistant"] }, exit: { placements: ["cart_banner"] } });
open();
