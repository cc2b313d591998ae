// An offer as a page shows it.

import { badge, h } from "./dom.js";

const STANDS_FOR = /(\{[a-z][\w.]*\})/;
const code = (text) => h("code", {}, text);

/** The language in the reader's own, such as German. */
export function language_name(language) {
  try {
    return new Intl.DisplayNames(undefined, { type: "language" }).of(language);
  } catch {
    return language;
  }
}

/** The card as a page shows it; what stands for a value of the moment is marked. */
export function offer_card({ language, content, reason, needs_consent }, is_named) {
  const filled = (text) => text.split(STANDS_FOR).map((one) => (STANDS_FOR.test(one) ? h("span", { class: "blank" }, one.slice(1, -1)) : one));
  return h("article", { class: "shown", lang: language, "aria-label": language ? `The card in ${language_name(language)}` : "The card" },
    content.image && picture(content.image),
    content.title && h("h3", {}, filled(content.title)),
    content.text && h("p", {}, filled(content.text)),
    content.code && h("p", {}, badge(content.code, "ok")),
    content.button && h("span", { class: "call" }, filled(content.button)),
    content.link && h("p", { class: "muted" }, "leads to ", code(content.link)),
    reason && h("p", { class: "muted" }, filled(reason)),
    (is_named || needs_consent) && h("small", {}, [is_named && language_name(language), needs_consent && "for people who agreed to personalisation"].filter(Boolean).join(", ")));
}

function picture(address) {
  if (!/^\/(?!\/)/.test(address)) return h("p", { class: "muted" }, "Picture: ", code(address), " (the console loads nothing from elsewhere)");
  return h("img", { src: address, alt: "", onerror: (event) => event.target.replaceWith(h("p", { class: "problem" }, `There is no picture at ${address}.`)) });
}
