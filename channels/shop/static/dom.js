// Elements without a framework: h("p", {class: "x"}, "text", child). Text is text, so nothing can be injected.

const SVG = "http://www.w3.org/2000/svg";

export function h(name, attributes = {}, ...children) {
  return fill(document.createElement(name), attributes, children);
}

export function s(name, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, name), attributes, children);
}

function fill(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if ((name === "href" || name === "src") && !window.kairos.isLink(value)) continue; // of a decision, it may be anything
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (name in element && typeof value === "boolean") element[name] = value;
    else element.setAttribute(name, value);
  }
  element.append(...children.flat(3).filter((one) => one !== null && one !== undefined && one !== false));
  return element;
}

export const money = (amount) => new Intl.NumberFormat("en-IE", { style: "currency", currency: "EUR" }).format(amount);

export const clock = (ms) => new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" }).format(ms);

/** The same number below `count` for the same text. */
export function hash(text, count) {
  let sum = 2166136261;
  for (const letter of text) sum = Math.imul(sum ^ letter.charCodeAt(0), 16777619) >>> 0;
  return sum % count;
}

/** Tells screen readers what changed without moving the focus. */
export function announce(text) {
  document.getElementById("announcer").textContent = text;
}

/** A line drawing for a button: a path in a box of 24. */
export function icon(path) {
  return s("svg", { viewBox: "0 0 24 24", class: "icon", "aria-hidden": "true" }, s("path", { d: path }));
}

export const ICONS = {
  search: "M10.5 4a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13zM15.5 15.5 21 21",
  cart: "M3 4h2l2.4 11.2h10.2L20 7.5H6.2M9 20h.01M17 20h.01",
  person: "M12 4a4 4 0 1 0 0 8 4 4 0 0 0 0-8zM4.5 21c.8-4 3.800-6 7.500-6s6.700 2 7.500 6",
  eye: "M2 12s3.600-6.500 10-6.500S22 12 22 12s-3.600 6.500-10 6.500S2 12 2 12zM12 9.200a2.800 2.800 0 1 0 0 5.600 2.800 2.800 0 0 0 0-5.600z",
  close: "M6 6l12 12M18 6 6 18",
  why: "M9.200 9a2.900 2.900 0 1 1 4.200 2.600c-.9.5-1.400 1-1.400 2.100M12 17.300h.01M12 3a9 9 0 1 0 0 18 9 9 0 0 0 0-18z",
  chat: "M4 5h16v11H10l-4.500 4V16H4z",
  truck: "M3 6h11v10H3zM14 9h4l3 3.500V16h-7M7 19a1.800 1.800 0 1 0 0-3.600A1.800 1.800 0 0 0 7 19zM17.500 19a1.800 1.800 0 1 0 0-3.600 1.800 1.800 0 0 0 0 3.600z",
};
