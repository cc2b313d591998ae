// The tour: three short ones of three steps each, which lead to what changes and mark it. Nothing of it is stored.

import { announce, h, icon, ICONS } from "./dom.js";

const SHOES = ["SKU-403", "SKU-402", "SKU-413"];
const SHELF = "/shop/c/Sports/Running/Shoes";
const REVIEW = "Soft, soft, soft";
const PAIR = "SKU-425";
const KETTLE = "SKU-482";
const LOOKS_MIN = 3;
const DRAWN_MS = 60;
const STILL = matchMedia("(prefers-reduced-motion: reduce)");

const isView = (event, ids) => event.event_type === "product_viewed" && ids.some((id) => event.item_ids?.includes(id));
const by = (selector, text) => [...document.querySelectorAll(selector)].find((one) => one.textContent.includes(text));

/**
 * A step says what to do; `to` leads to the page where it is done, `at` finds the place there, and it is done by so many events
 * (`seen`), by a decision (`changed`), or by what is `pressed` and the answer that it `waits` for. The last step of each tour ends in what it `says`, at the placement that changed.
 */
export const TOURS = {
  shoes: {
    title: "Running shoes",
    promise: "The shop notices what you look for.",
    steps: [
      { text: "Look at three running shoes.", button: "Open the next one", to: (tour) => `/shop/p/${SHOES[tour.count % SHOES.length]}`, seen: (event) => isView(event, SHOES), times: LOOKS_MIN },
      { text: "Choose size 10 on the shelf.", button: "To the shelf", to: () => SHELF, at: () => document.querySelector("input[name=facet-size][value='10']")?.closest("fieldset"), seen: (event) => event.event_type === "filter_applied" && event.value === "10", times: 1 },
      { text: `Open the review “${REVIEW}”.`, button: "To the reviews", to: () => `/shop/p/${SHOES[1]}`, at: () => by(".review-list details", REVIEW), changed: (placement, decision) => placement === "list" && decision?.action_id === "supportive_shoes" },
    ],
    place: "list",
    says: "This list has changed: it has shoes with arch support, in size 10. Below each stands why. The picture above offers a shoe finder.",
  },
  doubt: {
    title: "Second thoughts",
    promise: "The shop helps somebody who hesitates.",
    steps: [
      { text: "Open a good pair of shoes.", button: "To the shoes", to: () => `/shop/p/${PAIR}`, seen: (event) => isView(event, [PAIR]), times: 1 },
      { text: "Put the pair into the cart.", button: "Show me where", to: () => `/shop/p/${PAIR}`, at: () => document.getElementById("add"), seen: (event) => event.event_type === "product_added_to_cart", times: 1 },
      { text: "Read what delivery costs: “Shipping & returns”.", button: "To Shipping & returns", to: () => "/shop/help/shipping-and-returns", changed: (placement, decision) => placement === "offer_bar" && decision?.action_id === "express_shipping" },
    ],
    place: "offer_bar",
    says: "The line above offers you express delivery, for 20 minutes and only once: a full cart, and a question about delivery.",
  },
  taste: {
    title: "Not for me",
    promise: "The shop does as you say, at once.",
    steps: [
      { text: "Open a kettle.", button: "To the kettle", to: () => `/shop/p/${KETTLE}`, seen: (event) => isView(event, [KETTLE]), times: 1 },
      { text: "Ask “Why this?” of something below it: the inspector answers.", button: "Show me where", at: () => document.querySelector("[data-kairos=list] .told"), pressed: "[data-why]" },
      { text: "Say “Not interested” to one of them.", button: "Show me where", at: () => document.querySelector("[data-kairos=list] .told"), pressed: "[data-kairos-skip]", waits: (placement) => placement === "list" },
    ],
    place: "list",
    says: "Another item has taken its place, and the one that you turned away will not come back.",
  },
};

export class Tour {
  /** `element` is where the tour stands, `go` opens an address of the shop. */
  constructor(element, go) {
    Object.assign(this, { element, go, name: "", at: 0, count: 0, isDone: false });
  }

  get tour() {
    return TOURS[this.name];
  }

  get step() {
    return this.tour?.steps[this.at];
  }

  start(name) {
    Object.assign(this, { name, at: 0, count: 0, isDone: false, isWaiting: false });
    this.render();
    this.element.querySelector("h2").focus();
  }

  end() {
    this.mark(null);
    this.name = "";
    this.element.hidden = true;
    document.getElementById("main").focus({ preventScroll: true });
  }

  /** A batch of events was taken. */
  sent({ events }) {
    for (const event of events) {
      if (!this.step || this.isDone || !this.step.seen?.(event)) continue;
      this.count += 1;
      if (this.count < this.step.times) this.render();
      else this.next();
    }
  }

  /** A placement was drawn, for a decision or (null) for its default. */
  decided(placement, decision) {
    if (!this.step || this.isDone) return;
    if (this.step.changed?.(placement, decision) || (this.isWaiting && decision && this.step.waits(placement))) this.next();
  }

  /** Something was pressed. */
  pressed(target) {
    if (this.isDone || !this.step?.pressed || !target.closest(this.step.pressed)) return;
    if (this.step.waits) this.isWaiting = true;
    else this.next();
  }

  next() {
    this.count = 0;
    this.isWaiting = false;
    if (this.at + 1 < this.tour.steps.length) this.at += 1;
    else this.isDone = true;
    this.render();
    this.mark(this.isDone ? document.querySelector(`[data-kairos=${this.tour.place}]`) : this.step.at?.());
  }

  /** Another page is shown: where the step is done on it, that place is marked. */
  turned() {
    setTimeout(() => {
      if (this.step && !this.isDone) this.mark(this.step.at?.()); // the decision may have come meanwhile, and marked what it changed
    }, DRAWN_MS);
  }

  /** Leads to the place of the step. */
  lead() {
    const address = this.step.to?.(this);
    if (address && address !== location.pathname) this.go(address);
    else this.mark(this.step.at?.());
  }

  /** Scrolls to a place and marks it, and nothing else; without motion where that is not wanted. */
  mark(place) {
    for (const one of document.querySelectorAll(".marked")) one.classList.remove("marked");
    if (!place) return;
    place.classList.add("marked");
    place.scrollIntoView({ block: "center", behavior: STILL.matches ? "instant" : "smooth" });
  }

  render() {
    const { title, steps, says } = this.tour;
    const said = (one, at) => `${one.text}${at === this.at && one.times > 1 ? ` (${this.count} of ${one.times})` : ""}`;
    const state = (at) => (this.isDone || at < this.at ? "done" : at === this.at ? "now" : "");
    this.element.replaceChildren(
      h("button", { type: "button", class: "round", "aria-label": "End the tour", "data-kairos-ignore": "", onclick: () => this.end() }, icon(ICONS.close)),
      h("h2", { tabindex: "-1" }, `Tour: ${title}`),
      h("ol", { class: "steps" }, steps.map((one, at) => h("li", { class: state(at), "aria-current": state(at) === "now" ? "step" : null }, said(one, at)))),
      this.isDone ? h("p", { class: "outcome" }, says) : "",
      h("div", { class: "asks" }, this.isDone ? this.others() : h("button", { type: "button", class: "button", "data-kairos-ignore": "", onclick: () => this.lead() }, this.step.button)));
    this.element.hidden = false;
    announce(this.isDone ? says : said(this.step, this.at));
  }

  others() {
    const left = Object.entries(TOURS).filter(([name]) => name !== this.name);
    return left.map(([name, { title }]) => h("button", { type: "button", class: "button plain", "data-kairos-ignore": "", onclick: () => this.start(name) }, title));
  }
}

/** What this is, and the tours to choose from: for the home page. */
export function welcome() {
  return h("section", { class: "welcome", "aria-label": "What this is" },
    h("h2", {}, "What this is"),
    h("p", {}, "A made-up shop. Kairos watches what you do here, decides within milliseconds what each page shows you, and says why. Let it show you, in three steps each:"),
    h("div", { class: "asks" }, Object.entries(TOURS).map(([name, { title, promise }]) =>
      h("button", { type: "button", class: "chip", "data-tour": name, "data-kairos-ignore": "" }, h("strong", {}, title), h("small", {}, promise)))));
}
