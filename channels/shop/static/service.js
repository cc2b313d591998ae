// The pages around the goods: cart, checkout, help, sign-in, privacy, preferences, magazine, the shoe finder.

import * as shop from "./catalogue.js";
import { addressOf, card, cartBanner, drawing, shelf } from "./cards.js";
import * as cart from "./cart.js";
import { announce, clock, h, money } from "./dom.js";
import { assumed } from "./preferences.js";

const READ_MS = 1500;
const DELIVERY = { fee: 4.95, free_from: 50, express: 6.9 };

const lines = () => cart.entries().map(([id, count]) => [shop.find(id), count]).filter(([item]) => item);
const total = () => lines().reduce((sum, [item, count]) => sum + item.price * count, 0);

export function cartPage({ go }) {
  const rows = lines();
  const remove = (item) => () => {
    cart.add(item.item_id, -1);
    kairos.track("product_removed_from_cart", { item_ids: [item.item_id], quantity: 1, price: item.price, currency: item.currency });
    announce(`${item.name} is taken out`);
    go("/shop/cart", { isReplaced: true });
  };
  return {
    title: "Your cart",
    event: "cart_viewed",
    nodes: [
      h("h1", { tabindex: "-1" }, "Your cart"),
      cartBanner(),
      rows.length
        ? h("div", { class: "cart" },
          h("ul", { class: "cart-lines" }, rows.map(([item, count]) => h("li", {},
            drawing(item),
            h("div", {}, h("a", { href: addressOf(item) }, item.name), h("p", { class: "facts" }, `${count} × ${money(item.price)}`)),
            h("button", { type: "button", class: "quiet", onclick: remove(item), "aria-label": `Take out: ${item.name}` }, "Take out")))),
          h("div", { class: "cart-sum" }, h("p", {}, "Together"), h("p", { class: "price" }, money(total())), h("a", { class: "button", href: "/shop/checkout" }, "To the checkout"), h("a", { href: "/shop/help/shipping-and-returns" }, "Shipping & returns")))
        : h("p", { class: "notice" }, "There is nothing in it yet. ", h("a", { href: "/shop/" }, "Look around"), "."),
      shelf("cart", rows[0]?.[0].category.split("/").slice(0, 2).join("/") || ""),
    ],
  };
}

/** Whether the shop's server has taken the order: it tells the engine, with a key of its own. */
async function ordered(order_id, bought) {
  const { session_id, anonymous_id, person_id } = kairos.ids();
  const order = {
    order_id, session_id, anonymous_id, person_id, lines: bought.map(([item, quantity]) => ({ item_id: item.item_id, quantity })),
    consent: kairos.consent() || undefined, page: "/shop/thanks",
  };
  try {
    const { ok } = await fetch("/shop/orders", { method: "POST", headers: kairos.headers(), body: JSON.stringify(order), signal: AbortSignal.timeout(3000) });
    return ok;
  } catch {
    return false;
  }
}

export function checkout({ go }) {
  const rows = lines();
  if (!rows.length) return cartPage({ go });
  const offer = cart.standingOffer();
  const standard = total() >= DELIVERY.free_from ? 0 : DELIVERY.fee;
  const number = `order-${Date.now()}-${Math.random()}`; // of this page: pressed twice it is one order
  const buy = async (event) => {
    event.preventDefault();
    const bought = lines();
    if (!bought.length) return;
    if (!(await ordered(number, bought))) {
      // the page's own word, which proves nothing
      kairos.track("purchase_completed", {
        item_ids: bought.map(([item]) => item.item_id), quantity: bought.reduce((sum, [, count]) => sum + count, 0),
        price: bought.length === 1 ? bought[0][0].price : undefined, currency: "EUR", value_amount: Math.round(total() * 100) / 100, page: "/shop/thanks",
      });
    }
    cart.clear();
    go("/shop/thanks");
  };
  const way = (value, label, price, isChosen) => h("label", { class: "way" }, h("input", { type: "radio", name: "way", value, checked: isChosen }), h("span", {}, label), h("strong", {}, price ? money(price) : "free"));
  return {
    title: "Checkout",
    event: "checkout_started",
    nodes: [
      h("h1", { tabindex: "-1" }, "Checkout"),
      h("form", { class: "form", onsubmit: buy },
        h("fieldset", {}, h("legend", {}, "Delivery"),
          way("standard", "Standard, two to three days", standard, !offer),
          way("express", offer ? `Express, tomorrow: ${offer.title} (until ${clock(offer.until_ms)})` : "Express, tomorrow", offer ? 0 : DELIVERY.express, Boolean(offer))),
        h("label", { for: "address" }, "Where to (any words will do, nothing is sent)"),
        h("input", { id: "address", name: "address", autocomplete: "off", required: true, placeholder: "A street and a town" }),
        h("p", { class: "price" }, money(total())),
        h("button", { class: "button", type: "submit" }, "Buy now"),
        h("p", { class: "count" }, "A demo: nobody is charged and nothing is sent.")),
    ],
  };
}

export const thanks = () => ({
  title: "Thank you",
  event: "page_viewed",
  nodes: [h("h1", { tabindex: "-1" }, "Thank you, it is on its way"), h("p", {}, "Well, it would be. What you bought is not offered to you again for thirty days."), shelf("home")],
});

const HELP = {
  "shipping-and-returns": ["Shipping & returns", [
    ["How long does it take?", "Two to three working days; express parcels that are ordered before four arrive the next day."],
    ["What does it cost?", "4.95 euros, nothing from 50 euros on. Express costs 6.90 euros."],
    ["May I send it back?", "Within thirty days, unused or nearly so, free of charge. The label is in the box."],
    ["Where do you deliver?", "To Austria, Belgium, France, Germany, Luxembourg and the Netherlands."]]],
  sizes: ["Which size do I need?", [
    ["Shoes", "Stand on a sheet of paper in the evening, mark heel and toe, add a thumb's breadth."],
    ["Clothes", "Measure a shirt that fits from seam to seam, and compare with the table on each product."],
    ["Between two sizes?", "Take the larger one for shoes, the smaller one for tights."]]],
  payment: ["Payment", [["What may I pay with?", "This is a demo, so with nothing at all."], ["When am I charged?", "Never."]]],
};

export function help({ topic }) {
  const page = HELP[topic];
  const links = Object.entries(HELP).map(([name, [title]]) => h("li", {}, h("a", { href: `/shop/help/${name}` }, title)));
  if (!page) {
    if (topic) return null;
    return { title: "Help", event: "page_viewed", nodes: [h("h1", { tabindex: "-1" }, "Help"), cartBanner(), h("ul", { class: "links" }, links)] };
  }
  const [title, questions] = page;
  return {
    title,
    event: "help_viewed",
    fields: { value: title },
    nodes: [
      h("h1", { tabindex: "-1" }, title), cartBanner(),
      h("dl", { class: "questions" }, questions.map(([question, answer]) => h("div", {}, h("dt", {}, question), h("dd", {}, answer)))),
      h("nav", { "aria-label": "Other help" }, h("ul", { class: "links" }, links)),
    ],
  };
}

export function signIn({ go }) {
  const { person_id: person } = kairos.ids();
  const enter = (event) => {
    event.preventDefault();
    const name = event.target.elements.name.value.trim().toLowerCase().replace(/[^a-z0-9]+/g, "-");
    if (!name) return;
    kairos.identify(`customer-${name}`);
    announce("You are signed in");
    go("/shop/sign-in", { isReplaced: true });
  };
  const leave = (how, told) => () => {
    kairos.signOut(how);
    announce(told);
    go("/shop/sign-in", { isReplaced: true });
  };
  const isNotMe = leave({ unmerge: "true" }, "You are signed out, and what this browser did is not theirs any more");
  return {
    title: person ? "Your account" : "Sign in",
    event: "page_viewed",
    nodes: person
      ? [h("h1", { tabindex: "-1" }, "Your account"), h("p", {}, "You are signed in as ", h("strong", {}, person), "."), h("ul", { class: "links" }, h("li", {}, h("a", { href: "/shop/preferences" }, "What you like")), h("li", {}, h("a", { href: "/shop/privacy" }, "What you agreed to"))), h("button", { type: "button", class: "button", onclick: leave(undefined, "You are signed out") }, "Sign out"), " ",
        h("button", { type: "button", class: "quiet", onclick: isNotMe }, "Not you?")]
      : [h("h1", { tabindex: "-1" }, "Sign in"), h("p", {}, "No password: any made-up name is a customer of this demo. From then on the engine knows the person, not only the browser."),
        h("form", { class: "form", onsubmit: enter }, h("label", { for: "name" }, "A made-up name"), h("input", { id: "name", name: "name", required: true, maxlength: "60", autocomplete: "off" }), h("button", { class: "button", type: "submit" }, "Sign in"))],
  };
}

const PURPOSES = {
  personalisation: ["Choosing for you", "What you do here decides what you are shown. Needed for offers; without it this browser stores no id."],
  analytics: ["Counting", "How pages and offers do, over all visitors."],
  advertising: ["Advertising elsewhere", "Showing what you looked at on other sites."],
  email: ["E-mail", "A message when something you left in the cart gets scarce."],
  push: ["Push messages", "The same on your telephone."],
  sms: ["Text messages", "The same by text."],
  in_app: ["Messages in the app", "The same inside of our app."],
};

export function privacy({ go }) {
  const agreed = kairos.consent() || [];
  const forget = () => {
    kairos.forget();
    cart.clear();
    announce("You are forgotten. Whoever goes on here is nobody we know.");
    go("/shop/privacy", { isReplaced: true });
  };
  const save = (event) => {
    event.preventDefault();
    kairos.consent(Object.keys(PURPOSES).filter((name) => event.target.elements[name].checked));
    announce("Saved. It counts from the next event on.");
    go("/shop/privacy", { isReplaced: true });
  };
  return {
    title: "Privacy",
    event: "page_viewed",
    nodes: [
      h("h1", { tabindex: "-1" }, "What you agree to"),
      kairos.isOptedOut ? h("p", { class: "notice" }, "Your browser sends “Do Not Track” or “Global Privacy Control”. We obey: nothing is stored, whatever is chosen here.") : null,
      h("form", { class: "form", onsubmit: save },
        Object.entries(PURPOSES).map(([name, [title, text]]) => h("label", { class: "switch" }, h("input", { type: "checkbox", name, checked: agreed.includes(name) && !kairos.isOptedOut, disabled: kairos.isOptedOut }), h("span", {}, h("strong", {}, title), h("small", {}, text)))),
        h("button", { class: "button", type: "submit" }, "Save")),
      h("p", { class: "count" }, kairos.ids().is_stored ? "This browser keeps an id of this visit." : "This browser stores no id of you."),
      h("h2", {}, "Be forgotten"),
      h("p", {}, "All that was kept of this browser goes at once: what was assumed, what you said, your cart, what you were shown. We keep no more than the proof of it."),
      h("button", { type: "button", class: "button plain", onclick: forget }, "Forget me"),
    ],
  };
}

/** What is assumed, as the placement `preferences` says it, and a form that says otherwise. */
export function preferences({ go }) {
  return {
    title: "What you like",
    event: "page_viewed",
    nodes: [
      h("h1", { tabindex: "-1" }, "What you like"), h("p", {}, "What you say here counts before anything that we guess, from the next list on."),
      assumed(() => go("/shop/preferences", { isReplaced: true })),
      shelf("home"),
    ],
  };
}

// --- the magazine --------------------------------------------------------------------------------------------------

export const magazine = () => ({
  title: "Magazine",
  event: "page_viewed",
  nodes: [
    h("h1", { tabindex: "-1" }, "The Larkmoor magazine"), h("p", { class: "count" }, "Written by people who were out in it."),
    shelf("front_page"),
    h("section", { class: "listing", "aria-label": "All articles" }, h("h2", {}, "All articles"), h("ol", { class: "grid" }, shop.articles().map((item) => card(item)))),
  ],
});

const PARAGRAPHS = [
  "We went to see for ourselves, with a notebook that got wet on the first day. What follows is what was still readable, put into an order that it did not have at the time.",
  "Ask three people who do it every week and you hear four opinions. They agree on one thing: begin with less than you think, and go back to it sooner than you planned.",
  "The rest is patience, a good pair of socks, and somebody at home who does not ask when you will be back. We came home late, and would go again tomorrow.",
];

export function article({ id }) {
  const item = shop.find(id);
  if (!item || !shop.isArticle(item)) return null;
  return {
    title: item.name,
    event: "page_viewed",
    fields: { category: item.category },
    // opened is not read: it counts once it was in front of somebody for a moment
    after: () => setTimeout(() => {
      if (location.pathname === addressOf(item)) kairos.track("content_read", { item_ids: [item.item_id], category: item.category, placements: ["next_articles"] });
    }, READ_MS),
    nodes: [
      h("article", { class: "text" },
        h("p", { class: "eyebrow" }, `${item.category.split("/")[1]} · ${item.attributes.minutes} minutes`),
        h("h1", { tabindex: "-1" }, item.name), h("p", { class: "count" }, `By ${item.attributes.author}`),
        h("div", { class: "text-picture" }, drawing(item)),
        h("p", { class: "lead" }, item.text), PARAGRAPHS.map((text) => h("p", {}, text))),
      shelf("next_articles"),
    ],
  };
}

// --- the quiz that the hero leads to -------------------------------------------------------------------------------

const QUESTIONS = [
  ["ground", "Where do you run?", { road: "On roads", trail: "On paths" }],
  ["arch", "What does your wet footprint look like?", { flat: "Nearly all of the foot", normal: "A curve inside" }],
  ["wear", "Where do your old soles wear off?", { inner: "Inside", even: "Evenly" }],
  ["length", "How far do you usually go?", { short: "Below ten kilometres", long: "Further" }],
  ["feel", "What do you like under the foot?", { soft: "Softness", direct: "The ground" }],
  ["size", "Your size?", { 6: "6", 7: "7", 8: "8", 9: "9", 10: "10", 11: "11", 12: "12" }],
];

export function finder() {
  const result = h("ol", { class: "grid", "aria-label": "Shoes for you" });
  const told = h("p", { role: "status", class: "added" });
  const answer = (event) => {
    event.preventDefault();
    const said = Object.fromEntries(new FormData(event.target));
    const wanted = new Set([said.ground, said.arch === "flat" || said.wear === "inner" ? "stability" : "neutral", said.feel === "soft" || said.length === "long" ? "cushioned" : ""]);
    const fits = (item) => !said.size || item.attributes.sizes.split(" ").includes(said.size);
    const points = (item) => item.tags.filter((tag) => wanted.has(tag)).length;
    const found = shop.within("Sports/Running/Shoes").filter((item) => item.stock !== 0 && fits(item)).sort((one, other) => points(other) - points(one)).slice(0, 4);
    if (said.size) kairos.track("filter_applied", { attribute: "size", value: said.size });
    told.textContent = `${found.length} shoes fit best.`;
    result.replaceChildren(...found.map((item) => card(item)));
  };
  return {
    title: "Running shoe finder",
    event: "page_viewed",
    nodes: [
      h("h1", { tabindex: "-1" }, "Running shoe finder"), h("p", {}, "Six questions about your foot and your runs, and the right shoe."),
      h("form", { class: "form quiz", onsubmit: answer },
        QUESTIONS.map(([name, question, options]) => h("fieldset", {}, h("legend", {}, question), Object.entries(options).map(([value, label]) => h("label", { class: "pill" }, h("input", { type: "radio", name, value }), h("span", {}, label))))),
        h("button", { class: "button", type: "submit" }, "Show my shoes")),
      told, result,
    ],
  };
}

export const missing = () => ({
  title: "Not here",
  event: "page_viewed",
  nodes: [h("h1", { tabindex: "-1" }, "There is no such page"), h("p", {}, h("a", { href: "/shop/" }, "Back to the start"))],
});
