// What is assumed about a visitor, in words, with the way to say otherwise: drawn for a decision of the placement `preferences`.

import { DEPARTMENTS, facets, goods, nameOf } from "./catalogue.js";
import { announce, h } from "./dom.js";

const LEVELS = { budget: "at the lower end", middle: "in the middle", premium: "at the upper end" };
const WISHES = [["", "as you guess"], ["more", "more of it"], ["less", "less of it"]];
const PRICES = [["", "as you guess"], ["budget", "the lower end"], ["middle", "the middle"], ["premium", "the upper end"]];
const listed = (text) => (text || "").split(",").map((one) => one.trim()).filter(Boolean);
const and = (names) => names.map(nameOf).join(", ");

/** What is said of each name in `Sports, -Kitchen`: Map of name to more or less. */
function wishesIn(text) {
  return new Map(listed(text).map((one) => (one.startsWith("-") ? [one.slice(1).trim(), "less"] : [one, "more"])));
}

/** The placement; `saved` is called when something was stated. */
export function assumed(saved) {
  const element = h("section", { class: "assumed", "data-kairos": "preferences", "aria-label": "What we assume about you" });
  element.saved = saved;
  drawAssumed(element, null);
  return element;
}

/** Draws it; for null nothing is known, or it may not be used. */
export function drawAssumed(element, decision) {
  const content = decision && decision.action_id !== "nothing" ? decision.content : {};
  element.replaceChildren(told(content), asking(element, content));
}

function told({ categories, brands, price_level, size }) {
  const lines = [
    listed(categories).length && `You like ${and(listed(categories))}.`,
    listed(brands).length && `You like things by ${and(listed(brands))}.`,
    LEVELS[price_level] && `You choose ${LEVELS[price_level]} of our prices.`,
    size && `You look for size ${size}.`,
  ].filter(Boolean);
  return h("div", {}, h("h2", {}, "What we assume about you"),
    lines.length ? h("ul", { class: "links" }, lines.map((line) => h("li", {}, line))) : h("p", {}, "Nothing yet."));
}

function asking(element, content) {
  const rows = { category: [content.categories, content.said_category, DEPARTMENTS.map((one) => one.path)], brand: [content.brands, content.said_brand, []] };
  const wished = Object.entries(rows).flatMap(([name, [guessed, said, others]]) => {
    const wishes = wishesIn(said), names = new Set([...wishes.keys(), ...listed(guessed), ...others]);
    return [...names].map((one) => {
      const hint = wishes.has(one) ? "you said so" : listed(guessed).includes(one) ? "we guess so" : "";
      return [h("label", { for: `${name}-${one}` }, one.replaceAll("/", " · "), hint && h("small", {}, ` (${hint})`)), options(`${name}-${one}`, WISHES, wishes.get(one) || "", { "data-wish": name, "data-of": one })];
    });
  });
  const sizes = facets(goods()).find((one) => one.name === "size")?.values || [];
  const choices = [
    [h("label", { for: "price_level" }, "Your price level"), options("price_level", PRICES, content.said_price_level || "", { "data-choice": "price_level" })],
    [h("label", { for: "size" }, "Your size"), options("size", [["", "I would rather not say"], ...sizes.map((one) => [one, one])], content.said_size || "", { "data-choice": "size" })],
  ];
  return h("form", { class: "form", onsubmit: (event) => save(event, element, content) }, choices, wished,
    h("button", { class: "button", type: "submit", "data-kairos-ignore": "" }, "Save"));
}

function options(id, texts, chosen, more) {
  const own = texts.some(([value]) => value === chosen) ? [] : [[chosen, chosen]];
  return h("select", { id, ...more }, [...texts, ...own].map(([value, text]) => h("option", { value, selected: value === chosen }, text)));
}

/** States what was changed, and nothing else. */
function save(event, element, content) {
  event.preventDefault();
  const said = { category: [], brand: [] };
  for (const { value, dataset } of event.target.querySelectorAll("[data-wish]")) {
    if (value) said[dataset.wish].push(value === "less" ? `-${dataset.of}` : dataset.of);
  }
  const stated = Object.entries(said).map(([name, all]) => [name, all.join(", ")]);
  for (const { value, dataset } of event.target.querySelectorAll("[data-choice]")) stated.push([dataset.choice, value]);
  for (const [attribute, value] of stated) {
    if (value !== (content[`said_${attribute}`] || "")) kairos.track("preference_stated", { attribute, value });
  }
  announce("Saved. It counts from now on.");
  element.saved();
}
