// Items as cards, and every placement as it is drawn for a decision; null = the default, in the same room.

import { find, goods, isArticle, popular, within, articles } from "./catalogue.js";
import { announce, clock, h, icon, ICONS, money } from "./dom.js";
import { picture } from "./pictures.js";
import { drawAssumed } from "./preferences.js";
import { setOffer } from "./cart.js";

export function drawing(item) {
  const frame = h("span", { class: "picture" });
  frame.innerHTML = picture(item);
  return frame;
}

export const addressOf = (item) => (isArticle(item) ? `/shop/a/${item.item_id}` : `/shop/p/${item.item_id}`);

export function stars(item) {
  const { rating, reviews } = item.attributes;
  return h("span", { class: "stars" }, h("span", { "aria-hidden": "true" }, "★ "), rating, h("span", { class: "unseen" }, " of 5 stars,"), h("small", {}, ` (${reviews})`));
}

export function stockOf(item) {
  if (item.stock === 0) return h("span", { class: "stock none" }, "Sold out");
  if (item.stock !== null && item.stock < 5) return h("span", { class: "stock few" }, `Only ${item.stock} left`);
  return h("span", { class: "stock" }, "In stock");
}

/** One item. With `placed` it is in a placement: {reason, decision} and it can be asked about or turned away. */
export function card(item, placed = null) {
  const isText = isArticle(item);
  const facts = isText
    ? h("p", { class: "facts" }, `${item.attributes.minutes} min`, h("span", {}, item.category.split("/")[1]))
    : h("p", { class: "facts" }, h("strong", {}, money(item.price)), stars(item), stockOf(item));
  return h(
    "li", { class: isText ? "card article" : "card", "data-item": item.item_id },
    h("a", { href: addressOf(item), class: "card-link" }, drawing(item), h("span", { class: "name" }, item.name)),
    facts,
    placed && reasonOf(item, placed),
  );
}

function reasonOf(item, { reason, decision }) {
  if (!reason) return h("div", { class: "reason" }, h("p", {}, "Well rated by others"));
  const skip = isArticle(item) ? "item_skipped" : "not_interested";
  return h(
    "div", { class: "reason told" },
    h("p", {}, reason),
    h("div", { class: "asks" },
      h("button", { type: "button", class: "quiet", "data-kairos-ignore": "", "data-why": decision.decision_id, "data-why-item": item.item_id, "aria-label": `Why this: ${item.name}` }, "Why this?"),
      h("button", { type: "button", class: "quiet", "data-kairos-skip": skip, "aria-label": `Not interested: ${item.name}` }, "Not interested")),
  );
}

// --- lists ---------------------------------------------------------------------------------------------------------

const SHELVES = {
  list: { size: 8, title: "Well liked", scope: "goods" },
  home: { size: 8, title: "A good start", scope: "goods" },
  cart: { size: 4, title: "Goes with it", scope: "goods" },
  next_articles: { size: 6, title: "Read next", scope: "articles" },
  front_page: { size: 8, title: "In this issue", scope: "articles" },
};

/** An empty list of a placement, with the room that it will need. `near` is the category of its default. */
export function shelf(name, near = "") {
  const { size, title } = SHELVES[name];
  const element = h("section", { class: `shelf of-${size}`, "data-kairos": name, "data-near": near, "aria-label": title });
  drawShelf(element, null);
  return element;
}

function drawShelf(element, decision) {
  const { size, title, scope } = SHELVES[element.dataset.kairos];
  const chosen = (decision?.items || []).map((one) => [find(one.item_id), one.reason])
    .filter(([item]) => item && isArticle(item) === (scope === "articles")) // what trends everywhere may be anything
    .slice(0, size);
  const taken = chosen.map(([item]) => item.item_id);
  const here = location.pathname.split("/").at(-1);
  const near = element.dataset.near;
  const pools = scope === "articles" ? [articles()] : [near ? within(near) : [], near ? within(near.split("/")[0]) : [], goods()];
  const rest = [];
  for (const pool of pools) rest.push(...popular(pool, size, [...taken, ...rest.map((one) => one.item_id), here]));
  const cards = [...chosen.map(([item, reason]) => card(item, { reason, decision })), ...rest.slice(0, size - chosen.length).map((item) => card(item, { reason: "" }))];
  const isChosen = chosen.length > 0;
  const heading = (isChosen && decision.content?.title) || title;
  const why = isChosen ? decision.explanation : "What other visitors rate best";
  const isRedrawn = element.childElementCount > 0 && isChosen;
  element.setAttribute("aria-label", heading);
  element.replaceChildren(
    h("header", {}, h("h2", {}, heading), h("p", { class: "why" }, why), isChosen && whyButton(decision, heading)),
    h("ol", { class: "grid" }, cards),
  );
  if (isRedrawn) {
    element.classList.remove("fresh");
    requestAnimationFrame(() => element.classList.add("fresh"));
    announce(`${heading}: ${why}`);
  }
}

function whyButton(decision, about) {
  return h("button", { type: "button", class: "quiet", "data-kairos-ignore": "", "data-why": decision.decision_id, "aria-label": `Why this: ${about}` }, icon(ICONS.why), "Why this?");
}

const dismiss = (label) => h("button", { type: "button", class: "round", "data-kairos-dismiss": "", "aria-label": label }, icon(ICONS.close));

// --- banners -------------------------------------------------------------------------------------------------------

const says = (decision) => decision && decision.action_id !== "nothing" && decision.content?.title;

export function hero(defaults) {
  const element = h("section", { class: "hero", "data-kairos": "hero", "aria-label": "Highlight" });
  element.defaults = defaults;
  drawHero(element, null);
  return element;
}

function drawHero(element, decision) {
  const isDecided = says(decision);
  const { title, text, button, link } = isDecided ? decision.content : element.defaults;
  const example = isDecided ? goods().find((item) => item.tags.includes("arch support")) : element.defaults.item;
  element.classList.toggle("decided", Boolean(isDecided));
  element.replaceChildren(
    h("div", { class: "hero-text" },
      h("h2", {}, title), h("p", {}, text),
      h("div", { class: "asks" }, button && h("a", { class: "button", href: link }, button), isDecided && whyButton(decision, title))),
    example ? drawing(example) : "",
    isDecided ? dismiss(`Close: ${title}`) : "",
  );
  if (isDecided) announce(`${title}. ${decision.explanation}`);
}

export function cartBanner() {
  const element = h("section", { class: "banner", "data-kairos": "cart_banner", "aria-label": "Your cart" });
  drawCartBanner(element, null);
  return element;
}

function drawCartBanner(element, decision) {
  const isDecided = says(decision);
  const content = isDecided ? decision.content : { title: "Sent in two days, returned in thirty", text: "Parcels leave our warehouse every working day before four.", button: "" };
  element.classList.toggle("decided", Boolean(isDecided));
  element.replaceChildren(
    icon(isDecided ? ICONS.cart : ICONS.truck),
    h("div", {}, h("h2", {}, content.title), h("p", {}, content.text)),
    h("div", { class: "asks" }, content.button && h("a", { class: "button", href: "/shop/cart" }, content.button), isDecided && whyButton(decision, content.title)),
    isDecided ? dismiss("Close the reminder") : "",
  );
  if (isDecided) announce(`${content.title}. ${content.text}`);
}

function drawOffer(element, decision) {
  const isDecided = says(decision);
  element.classList.toggle("decided", Boolean(isDecided));
  setOffer(isDecided ? { code: decision.content.code, until_ms: decision.valid_until_ms, title: decision.content.title } : null);
  if (!isDecided) {
    element.replaceChildren(h("p", {}, icon(ICONS.truck), "Free delivery from €50 · 30 days to return"));
    return;
  }
  const { title, text, code } = decision.content;
  element.replaceChildren(
    h("p", {}, icon(ICONS.truck), h("strong", {}, title), h("span", { class: "more" }, ` ${text} `), code && h("code", {}, code), h("span", {}, ` until ${clock(decision.valid_until_ms)}`)),
    whyButton(decision, title), dismiss("No, thank you"),
  );
  announce(`${title}. ${text}`);
}

function drawAssistant(element, decision) {
  const isDecided = says(decision);
  element.classList.toggle("decided", Boolean(isDecided));
  if (!isDecided) {
    element.replaceChildren();
    return;
  }
  const { title, text, button } = decision.content;
  element.replaceChildren(
    dismiss("No help needed"), icon(ICONS.chat), h("h2", {}, title), h("p", {}, text),
    h("div", { class: "asks" }, h("button", { type: "button", class: "button", "data-chat": "" }, button), whyButton(decision, title)),
  );
  announce(`${title} ${text}`);
}

const DRAW = { hero: drawHero, cart_banner: drawCartBanner, offer_bar: drawOffer, assistant: drawAssistant, preferences: drawAssumed };

/** Draws a placement for a decision, or its default for null. */
export function draw(element, decision) {
  (DRAW[element.dataset.kairos] || drawShelf)(element, decision);
}
