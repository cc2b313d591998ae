// The pages on which things are found: home, category, product, search. Each gives {title, event, fields, nodes}.

import * as shop from "./catalogue.js";
import { cartBanner, addressOf, card, drawing, hero, shelf, stars, stockOf } from "./cards.js";
import * as cart from "./cart.js";
import { announce, h, money } from "./dom.js";
import { reviewsOf } from "./reviews.js";
import { welcome } from "./tour.js";

const categoryAddress = (path) => `/shop/c/${path.split("/").map(encodeURIComponent).join("/")}`;

const find = (id) => shop.find(id);

export function home() {
  const cover = shop.goods().find((item) => item.tags.includes("trekking")) || shop.goods()[0];
  const story = shop.articles()[5];
  return {
    title: "Sports and home",
    event: "page_viewed",
    nodes: [
      h("h1", { class: "unseen", tabindex: "-1" }, "Larkmoor, sports and home"),
      welcome(),
      hero({ title: "Autumn is for going out", text: "Tents that forgive you, packs that carry themselves, and a kettle for afterwards.", button: "To the outdoor shelves", link: categoryAddress("Outdoor"), item: cover }),
      h("nav", { class: "departments", "aria-label": "Departments" }, shop.DEPARTMENTS.map((one) => {
        const [example] = shop.popular(shop.within(one.path), 1);
        return h("a", { href: categoryAddress(one.path) }, example && drawing(example), h("strong", {}, one.name), h("span", {}, one.slogan));
      })),
      shelf("home"),
      story && h("section", { class: "teaser" },
        drawing(story),
        h("div", {}, h("p", { class: "eyebrow" }, "From the magazine"), h("h2", {}, story.name), h("p", {}, story.text),
          h("div", { class: "asks" }, h("a", { class: "button", href: addressOf(story) }, "Read it"), h("a", { href: "/shop/magazine" }, "All articles")))),
    ],
  };
}

export function category({ path }) {
  const items = shop.within(path);
  if (!items.length) return null;
  const parts = path.split("/");
  const crumbs = parts.map((name, at) => [name, parts.slice(0, at + 1).join("/")]);
  const [example] = shop.popular(items, 1);
  return {
    title: shop.nameOf(path),
    event: "page_viewed",
    fields: { category: path },
    nodes: [
      trail(crumbs.slice(0, -1)),
      h("h1", { tabindex: "-1" }, shop.nameOf(path)),
      hero({ title: `${shop.nameOf(path)}, tried by us`, text: `${items.length} things that we would buy again, from ${money(Math.min(...items.map((one) => one.price)))}.`, item: example }),
      h("nav", { class: "chips", "aria-label": "Narrower" }, shop.below(path).map(([child, count]) => h("a", { class: "chip", href: categoryAddress(child) }, shop.nameOf(child), h("small", {}, ` ${count}`)))),
      shelf("list", path),
      listing(items, `All ${shop.nameOf(path).toLowerCase()}`),
    ],
  };
}

export function search({ query }) {
  const found = shop.search(query);
  return {
    title: query ? `“${query}”` : "Search",
    event: "search_performed",
    fields: query ? { query } : {},
    nodes: [
      h("h1", { tabindex: "-1" }, query ? `Found for “${query}”` : "What are you looking for?"),
      h("p", { class: "count" }, found.length ? `${found.length} found` : query ? "Nothing has all of these words. What comes near stands below." : "Type a word or two."),
      found.length ? null : shelf("list"),
      hero({ title: "Ask somebody who has tried it", text: "Sizes, returns, what goes with what: our help pages answer most of it.", button: "Help", link: "/shop/help", item: shop.goods()[8] }),
      found.length ? [shelf("list", found[0].category), listing(found, "All that was found")] : null,
    ],
  };
}

const trail = (crumbs) => h("nav", { class: "trail", "aria-label": "Where you are" }, h("a", { href: "/shop/" }, "Home"), crumbs.map(([name, path]) => [" / ", h("a", { href: categoryAddress(path) }, name)]));

/** All items of a page, with filters and an order; each filter is told. */
function listing(items, heading) {
  const chosen = {};
  let order = "popular";
  const count = h("p", { class: "count", role: "status" });
  const grid = h("ol", { class: "grid" });
  const show = () => {
    const left = items.filter((item) => shop.meets(item, chosen)).sort(shop.ORDERS[order][1]);
    count.textContent = left.length === 1 ? "1 article" : `${left.length} articles`;
    grid.replaceChildren(...left.map((item) => card(item)));
  };
  const choose = (name, value) => {
    if (value) chosen[name] = value;
    else delete chosen[name];
    show();
    kairos.track("filter_applied", { attribute: name, value });
  };
  const facet = ({ name, values }) => h(
    "fieldset", {}, h("legend", {}, name),
    ["", ...values].map((value) => h("label", { class: "pill" },
      h("input", { type: "radio", name: `facet-${name}`, value, checked: value === "", onchange: () => choose(name, value) }), h("span", {}, value || "any"))),
  );
  const orders = h("select", { id: "order", onchange: (event) => { order = event.target.value; show(); } },
    Object.entries(shop.ORDERS).map(([key, [label]]) => h("option", { value: key }, label)));
  show();
  return h("section", { class: "listing", "aria-label": heading },
    h("div", { class: "listing-head" }, h("h2", {}, heading), count, h("label", { for: "order" }, "Order by ", orders)),
    h("form", { class: "facets", "aria-label": "Filters", onsubmit: (event) => event.preventDefault() }, shop.facets(items).map(facet)),
    grid);
}

export function product({ id }) {
  const item = find(id);
  if (!item || shop.isArticle(item)) return null;
  const parts = item.category.split("/");
  const sizes = item.attributes.sizes?.split(" ") || [];
  const isThere = item.stock !== 0;
  const add = () => {
    cart.add(item.item_id);
    kairos.track("product_added_to_cart", { item_ids: [item.item_id], quantity: 1, price: item.price, currency: item.currency, category: item.category });
    announce(`${item.name} is in your cart`);
    added.textContent = "In your cart. ";
    added.append(h("a", { href: "/shop/cart" }, "To the cart"));
  };
  const added = h("p", { class: "added", role: "status" });
  const shown = Object.entries(item.attributes).filter(([name]) => !["rating", "reviews", "sizes"].includes(name));
  return {
    title: item.name,
    event: "product_viewed",
    fields: { item_ids: [item.item_id], category: item.category, price: item.price, currency: item.currency },
    nodes: [
      trail(parts.map((name, at) => [name, parts.slice(0, at + 1).join("/")])),
      h("article", { class: "product" },
        h("div", { class: "product-picture" }, drawing(item)),
        h("div", { class: "product-text" },
          h("p", { class: "eyebrow" }, item.brand),
          h("h1", { tabindex: "-1" }, item.name),
          h("p", { class: "facts" }, stars(item), stockOf(item)),
          h("p", { class: "price" }, money(item.price)),
          h("p", {}, item.text),
          sizes.length ? h("fieldset", { class: "sizes" }, h("legend", {}, "Size"), sizes.map((size) => h("label", { class: "pill" }, h("input", { type: "radio", name: "size", value: size }), h("span", {}, size)))) : null,
          h("div", { class: "asks" },
            h("button", { type: "button", class: "button", id: "add", disabled: !isThere, onclick: add }, isThere ? "Put into the cart" : "Sold out"),
            h("a", { href: "/shop/help/shipping-and-returns" }, "Shipping & returns")),
          added,
          h("dl", { class: "details" }, shown.map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value)))))),
      reviews(item),
      hero({ title: `More from ${shop.nameOf(item.category).toLowerCase()}`, text: "Compare before you choose: everything on this shelf, with sizes and colours.", button: "See the shelf", link: categoryAddress(item.category), item }),
      shelf("list", item.category),
    ],
  };
}

/** Reviews, folded; opening one is reading it. */
function reviews(item) {
  const read = (review) => (event) => {
    if (!event.target.open || event.target.dataset.read) return;
    event.target.dataset.read = "yes";
    kairos.track("review_read", { item_ids: [item.item_id], category: item.category, properties: { text: review.text } });
  };
  return h("section", { class: "reviews", "aria-label": "Reviews" },
    h("h2", {}, `What ${item.attributes.reviews} buyers say`),
    h("div", { class: "review-list" }, reviewsOf(item).map((review) => h("details", { ontoggle: read(review) },
      h("summary", {}, h("span", { class: "stars", "aria-label": `${review.stars} of 5 stars`, role: "img" }, "★".repeat(review.stars)), ` ${review.title} `, h("small", {}, review.author)),
      h("p", {}, review.text)))));
}

export { cartBanner };
