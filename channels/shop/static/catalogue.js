// What the shop sells, as the API has it: found by category, words and filters.

import { hash } from "./dom.js";

export const DEPARTMENTS = [
  { path: "Sports", name: "Sports", slogan: "Further, lighter, dry" },
  { path: "Outdoor", name: "Outdoor", slogan: "A weekend on your back" },
  { path: "Kitchen", name: "Kitchen", slogan: "Things that last a breakfast" },
  { path: "Home", name: "Home", slogan: "Light, sleep and order" },
];
const MAGAZINE = "Magazine/";
const NO_FACETS = new Set(["rating", "reviews", "minutes", "author"]);
const FACETS_MAX = 4;

let items = [];
let byId = new Map();

/** Loads the catalogue; what does not belong to this shop stays out. Throws an error with the answer's `status`. */
export async function load() {
  const answer = await fetch("/v1/items?limit=500", { headers: kairos.headers() });
  if (!answer.ok) throw Object.assign(new Error(`The catalogue answers ${answer.status}`), { status: answer.status });
  const own = [...DEPARTMENTS.map((one) => `${one.path}/`), MAGAZINE];
  items = (await answer.json()).items.filter((item) => item.name && own.some((start) => (item.category || "").startsWith(start)));
  byId = new Map(items.map((item) => [item.item_id, item]));
  return items.length;
}

/** Whether this engine's catalogue is not the shop's. */
export const isEmpty = () => !goods().length || !articles().length;
export const find = (id) => byId.get(id);
export const isArticle = (item) => item.category.startsWith(MAGAZINE);
export const goods = () => items.filter((item) => !isArticle(item));
export const articles = () => items.filter(isArticle);
export const within = (path) => goods().filter((item) => item.category === path || item.category.startsWith(`${path}/`));
export const nameOf = (path) => path.split("/").at(-1);
export const rating = (item) => Number(item.attributes.rating || 0);

/** Paths directly below `path`, with how many items each holds. */
export function below(path) {
  const counts = new Map();
  const depth = path.split("/").length + 1;
  for (const item of within(path)) {
    const child = item.category.split("/").slice(0, depth).join("/");
    if (child !== path) counts.set(child, (counts.get(child) || 0) + 1);
  }
  return [...counts].sort(([one], [other]) => one.localeCompare(other));
}

/** The best rated that can be had, of each kind in turn, so that no list is all of one sort. */
export function popular(list, count, without = []) {
  const free = list.filter((item) => item.stock !== 0 && !without.includes(item.item_id));
  const turn = new Map();
  return free
    .sort((one, other) => rating(other) - rating(one) || hash(one.item_id, 997) - hash(other.item_id, 997))
    .map((item) => {
      const at = turn.get(item.category) || 0;
      turn.set(item.category, at + 1);
      return [at, item];
    })
    .sort(([one], [other]) => one - other)
    .slice(0, count)
    .map(([, item]) => item);
}

/** Items that hold every word of the query in their name, tags, category or attributes. */
export function search(query) {
  const words = query.toLowerCase().split(/\s+/).filter(Boolean);
  if (!words.length) return [];
  const told = (item) => [item.name, item.category, item.tags.join(" "), Object.values(item.attributes).join(" ")].join(" ").toLowerCase();
  return goods().filter((item) => words.every((word) => told(item).includes(word)));
}

/** What a list can be narrowed down by: [{name, values}], sizes first. */
export function facets(list) {
  const found = new Map();
  for (const item of list) {
    for (const [name, value] of Object.entries(item.attributes)) {
      if (NO_FACETS.has(name)) continue;
      const facet = name === "sizes" ? "size" : name;
      const values = name === "sizes" ? value.split(" ") : [value];
      found.set(facet, new Set([...(found.get(facet) || []), ...values]));
    }
  }
  const order = (name) => (name === "size" ? 0 : name === "colour" ? 1 : 2);
  const byNumber = new Intl.Collator("en", { numeric: true }).compare;
  const letters = ["XS", "S", "M", "L", "XL", "XXL"];
  const compare = (one, other) => (letters.includes(one) ? letters.indexOf(one) - letters.indexOf(other) : byNumber(one, other));
  return [...found]
    .filter(([, values]) => values.size > 1)
    .sort(([one], [other]) => order(one) - order(other))
    .slice(0, FACETS_MAX)
    .map(([name, values]) => ({ name, values: [...values].sort(compare) }));
}

export function meets(item, chosen) {
  return Object.entries(chosen).every(([name, value]) =>
    name === "size" && item.attributes.sizes ? item.attributes.sizes.split(" ").includes(value) : item.attributes[name] === value);
}

export const ORDERS = {
  popular: ["Best rated", (one, other) => rating(other) - rating(one)],
  cheap: ["Price, low to high", (one, other) => one.price - other.price],
  dear: ["Price, high to low", (one, other) => other.price - one.price],
  name: ["Name", (one, other) => one.name.localeCompare(other.name)],
};
