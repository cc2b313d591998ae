// Small pieces of pages. Text only ever becomes a text node, so nothing that people typed is markup.

const SVG = "http://www.w3.org/2000/svg";

/** An element: attributes, `onclick` and the like as functions, then children (text, nodes, lists of both). */
export function h(tag, attributes = {}, ...children) {
  return fill(document.createElement(tag), attributes, children);
}

/** The same for SVG. */
export function s(tag, attributes = {}, ...children) {
  return fill(document.createElementNS(SVG, tag), attributes, children);
}

function fill(node, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") node.addEventListener(name.slice(2), value);
    else if (value === true) node.setAttribute(name, "");
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(name, value);
  }
  node.append(...children.flat(9).filter((one) => one !== null && one !== undefined && one !== false)
    .map((one) => (one instanceof Node ? one : String(one))));
  return node;
}

/** A number with the reader's separators; a dash for what is not known. */
export function number(value, digits = 0) {
  if (value === null || value === undefined || Number.isNaN(value)) return "–";
  return value.toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
}

export const percent = (share, digits = 1) => (share === null || share === undefined ? "–" : `${number(share * 100, digits)} %`);

/** A moment, to the second, in the reader's zone. */
export function moment(ms) {
  if (!ms) return "–";
  const shown = new Date(ms);
  const iso = shown.toISOString();
  return h("time", { datetime: iso, title: iso }, shown.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "medium" }));
}

/** How long ago, in words. */
export function ago(ms, now = Date.now()) {
  const seconds = Math.round((now - ms) / 1000);
  if (seconds < 0) return "in a moment";
  for (const [unit, length] of [["day", 86400], ["hour", 3600], ["minute", 60]]) {
    const count = Math.floor(seconds / length);
    if (count >= 1) return `${count} ${unit}${count > 1 ? "s" : ""} ago`;
  }
  return seconds < 5 ? "just now" : `${seconds} seconds ago`;
}

const PERCENT = /^[\d.,\s]+%$|^–$/;

/** A table in a frame that scrolls sideways where it is too wide; `rows` are lists of cells. */
export function table(caption, columns, rows, empty = "There is nothing.") {
  if (!rows.length) return h("p", { class: "muted" }, empty);
  const is_number = columns.map((_, at) => rows.every((row) => typeof row[at] === "number" || PERCENT.test(row[at])));
  return h("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption },
    h("table", {},
      h("caption", { class: "unseen" }, caption),
      h("thead", {}, h("tr", {}, columns.map((one, at) => h("th", { scope: "col", class: is_number[at] && "number" }, one)))),
      h("tbody", {}, rows.map((row) => h("tr", {}, row.map((cell, at) =>
        h("td", { class: is_number[at] && "number" }, typeof cell === "number" ? number(cell, Number.isInteger(cell) ? 0 : 3) : cell)))))));
}

/** A long table: the first `count` rows, the others behind a line that opens them. */
export function long_table(caption, columns, rows, count, empty) {
  const more = rows.slice(count);
  return [table(caption, columns, rows.slice(0, count), empty),
    more.length > 0 && h("details", {}, h("summary", {}, `${more.length} more`), table(`${caption}, more`, columns, more))];
}

export const badge = (text, kind = "") => h("span", { class: `badge ${kind}` }, text);

/** A card with a heading. */
export function card(title, ...children) {
  return h("section", { class: "card" }, h("h2", {}, title), children);
}

/** What a section holds can be renewed without touching what is around it. */
export function renew(node, ...children) {
  node.replaceChildren(...children.flat(9).filter((one) => one));
  return node;
}
