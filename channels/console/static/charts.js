// Charts in SVG, drawn for the width there is. Each has its numbers as a table below, for those who cannot see it.

import { h, number, renew, s, table } from "./dom.js";

const GRID = 4;

/** A chart's frame. `draw(width, data)` gives the SVG; `rows(data)` the table: { columns, rows, says }. */
export function chart(title, draw, rows) {
  const picture = h("div", { class: "picture" });
  const numbers = h("div");
  const legend = h("div", { class: "legend" });
  const says = h("p", { class: "says" });
  const node = h("figure", { class: "card chart" },
    h("figcaption", {}, h("h2", {}, title), says), picture, legend,
    h("details", {}, h("summary", {}, "As a table"), numbers));
  let data = null;
  let width = 0;
  const paint = () => {
    width = Math.max(260, Math.floor(picture.clientWidth));
    const drawn = draw(width, data);
    renew(picture, drawn.svg);
    renew(legend, drawn.legend ?? []);
  };
  new ResizeObserver(() => data && Math.abs(picture.clientWidth - width) > 2 && paint()).observe(picture);
  return {
    node,
    show(found) {
      data = found;
      const told = rows(data);
      says.textContent = told.says;
      renew(numbers, table(title, told.columns, told.rows));
      paint();
    },
  };
}

/** A figure with its title and what it says, for screen readers. */
export function svg(width, height, says, ...children) {
  return s("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": says || "nothing to show" }, children);
}

/** A round number not below `value` that divides well by GRID. */
export function ceiling(value) {
  if (!(value > 0)) return 1;
  const step = 10 ** Math.floor(Math.log10(value));
  return [1, 2, 4, 8, 10].map((one) => one * step).find((one) => one >= value * 0.999) ?? 10 * step;
}

const clock = (ms) => new Date(ms).toLocaleTimeString(undefined, { hour: "2-digit", minute: "2-digit" });

function axes(box, top, from_ms, to_ms, unit) {
  const lines = [];
  for (let at = 0; at <= GRID; at += 1) {
    const y = box.bottom - (at / GRID) * (box.bottom - box.top);
    const value = (top * at) / GRID;
    lines.push(s("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: at ? "grid" : "axis" }),
      s("text", { x: box.left - 8, y: y + 4, class: "tick end" }, number(value, top < 4 ? 2 : top < 40 && top % 4 ? 1 : 0)));
  }
  lines.push(s("text", { x: box.left, y: box.top - 10, class: "tick" }, unit));
  const count = Math.max(2, Math.min(6, Math.floor((box.right - box.left) / 110)));
  for (let at = 0; at < count; at += 1) {
    const share = at / (count - 1);
    lines.push(s("text", { x: box.left + share * (box.right - box.left), y: box.bottom + 20, class: `tick ${at === 0 ? "" : at === count - 1 ? "end" : "middle"}` },
      clock(from_ms + share * (to_ms - from_ms))));
  }
  return lines;
}

/** Lines over time: `series` of { name, points: [[ms, value or null]] }; a null breaks the line. */
export function lines(width, { series, from_ms, to_ms, unit }) {
  const height = 240;
  const box = { left: 52, right: width - 12, top: 28, bottom: height - 32 };
  const top = ceiling(Math.max(0, ...series.flatMap((one) => one.points.map(([, value]) => value ?? 0))));
  const x = (ms) => box.left + ((ms - from_ms) / (to_ms - from_ms)) * (box.right - box.left);
  const y = (value) => box.bottom - (value / top) * (box.bottom - box.top);
  const paths = series.map((one, at) => {
    let path = "";
    let is_open = false;
    for (const [ms, value] of one.points) {
      if (value === null || ms < from_ms) { is_open = false; continue; }
      path += `${is_open ? "L" : "M"}${x(ms).toFixed(1)} ${y(value).toFixed(1)}`;
      is_open = true;
    }
    return s("path", { d: path, class: `line s${at + 1}` });
  });
  const drawn = svg(width, height, series.map((one) => `${one.name} over time`).join(", "), axes(box, top, from_ms, to_ms, unit), paths);
  hover(drawn, box, series, x, y);
  return { svg: drawn, legend: legend(series.map((one, at) => [at + 1, one.name, one.now])) };
}

/** A line under the pointer that tells the values there. */
function hover(drawn, box, series, x, y) {
  const times = series[0]?.points ?? [];
  if (!times.length) return;
  const mark = s("g", { class: "hover", visibility: "hidden" });
  drawn.append(mark);
  drawn.addEventListener("pointerleave", () => mark.setAttribute("visibility", "hidden"));
  drawn.addEventListener("pointermove", (event) => {
    const at = event.clientX - drawn.getBoundingClientRect().left;
    let best = 0;
    times.forEach(([ms], index) => { if (Math.abs(x(ms) - at) < Math.abs(x(times[best][0]) - at)) best = index; });
    const ms = times[best][0];
    if (x(ms) < box.left) return;
    const told = series.map((one) => `${one.name} ${number(one.points[best]?.[1], 1)}`).join("   ");
    const is_right = x(ms) > (box.left + box.right) / 2;
    mark.replaceChildren(
      s("line", { x1: x(ms), x2: x(ms), y1: box.top, y2: box.bottom, class: "cross" }),
      ...series.flatMap((one, index) => {
        const value = one.points[best]?.[1];
        return value === null || value === undefined ? [] : [s("circle", { cx: x(ms), cy: y(value), r: 4, class: `dot s${index + 1}` })];
      }),
      s("text", { x: x(ms) + (is_right ? -8 : 8), y: box.top - 10, class: `tip ${is_right ? "end" : ""}` }, `${clock(ms)}   ${told}`));
    mark.setAttribute("visibility", "visible");
  });
}

/** Columns over time, stacked: `names` from below to above, `columns` of { from_ms, counts }. */
export function stacked(width, { names, columns, column_ms, unit }) {
  const height = 240;
  const box = { left: 52, right: width - 12, top: 28, bottom: height - 32 };
  const sums = columns.map((one) => names.reduce((sum, name) => sum + (one.counts[name] ?? 0), 0));
  const top = ceiling(Math.max(0, ...sums));
  const from_ms = columns[0]?.from_ms ?? 0;
  const to_ms = (columns.at(-1)?.from_ms ?? 0) + column_ms;
  const step = (box.right - box.left) / Math.max(1, columns.length);
  const bars = columns.map((one, at) => {
    let y = box.bottom;
    return s("g", {}, names.map((name, index) => {
      const size = ((one.counts[name] ?? 0) / top) * (box.bottom - box.top);
      y -= size;
      return size > 0 && s("rect", { x: (box.left + at * step + 1).toFixed(1), y: y.toFixed(1), width: Math.max(1, step - 2).toFixed(1), height: size.toFixed(1), class: `area s${index + 1}` },
        s("title", {}, `${clock(one.from_ms)} ${name}: ${number(one.counts[name])}`));
    }));
  });
  return { svg: svg(width, height, `decisions by action, ${unit}`, axes(box, top, from_ms, to_ms, unit), bars) };
}

/** A bar for each row: { name, value, share }. */
export function bars(width, { rows }) {
  const line = 34;
  const top = Math.max(1, ...rows.map((one) => one.value));
  const height = Math.max(1, rows.length) * line + 6;
  return {
    svg: svg(width, height, rows.map((one) => `${one.name} ${number(one.value)}`).join(", "),
      rows.map((one, at) => [
        s("text", { x: 0, y: at * line + 13, class: "name" }, shorten(one.name, width - 120)),
        s("text", { x: width, y: at * line + 13, class: "tick end" }, one.says),
        s("rect", { x: 0, y: at * line + 19, width, height: 8, rx: 4, class: "track" }),
        s("rect", { x: 0, y: at * line + 19, width: Math.max(3, (one.value / top) * width), height: 8, rx: 4, class: `area s${one.colour ?? 1}` }),
      ])),
  };
}

/** One row for each hop, on a logarithmic scale: how far p50, p90 and p99 reach, beside the budget. */
export function hops(width, { rows }) {
  const line = 62;
  const right = width - 4;
  const height = Math.max(1, rows.length) * line + 26;
  const largest = Math.max(100, ...rows.map((one) => Math.max(one.budget_ms.p99, one.latency_ms?.p99 ?? 0)));
  const powers = Math.ceil(Math.log10(largest) - 1e-9);
  const x = (ms) => 4 + (Math.log10(Math.max(1, ms)) / powers) * (right - 4);
  const ticks = Array.from({ length: powers + 1 }, (_, at) => 10 ** at);
  return {
    svg: svg(width, height, rows.map(says_hop).join("; "),
      ticks.map((ms, at) => [
        s("line", { x1: x(ms), x2: x(ms), y1: 8, y2: height - 20, class: "grid" }),
        s("text", { x: x(ms), y: height - 4, class: `tick ${at === 0 ? "" : at === powers ? "end" : "middle"}` }, at === powers ? `${number(ms)} ms` : number(ms)),
      ]),
      rows.map((one, at) => {
        const y = at * line + 16;
        const found = one.latency_ms;
        const is_over = found && found.p99 > one.budget_ms.p99;
        const budget = x(one.budget_ms.p99);
        return s("g", { class: is_over ? "bad" : "" },
          s("text", { x: 0, y, class: "name" }, shorten(one.hop, width - 130)),
          s("text", { x: right, y, class: "tick end" }, found ? `p99 ${number(found.p99)} ms` : "no samples"),
          s("rect", { x: 4, y: y + 10, width: right - 4, height: 16, rx: 4, class: "track" }),
          found && ["p99", "p90", "p50"].map((name) => s("rect", { x: 4, y: y + 10, width: Math.max(2, x(found[name]) - 4).toFixed(1), height: 16, rx: 4, class: `reach ${name}` })),
          s("line", { x1: budget, x2: budget, y1: y + 5, y2: y + 31, class: "budget" }));
      })),
    legend: [
      h("span", { class: "key" }, h("i", { class: "swatch reach-p50" }), "p50"),
      h("span", { class: "key" }, h("i", { class: "swatch reach-p90" }), "p90"),
      h("span", { class: "key" }, h("i", { class: "swatch reach-p99" }), "p99"),
      h("span", { class: "key" }, h("i", { class: "swatch budget-mark" }), "budget of the p99"),
      h("span", { class: "key" }, "logarithmic scale"),
    ],
  };
}

export function says_hop(one) {
  if (!one.latency_ms) return `${one.hop}: no samples yet`;
  const word = one.latency_ms.p99 <= one.budget_ms.p99 ? "within" : "over";
  return `${one.hop}: p99 ${number(one.latency_ms.p99)} ms, ${word} the budget of ${number(one.budget_ms.p99)} ms`;
}

/** A funnel from left to right is hard to read; this one goes down: each step as wide as what is left. */
export function funnel(width, { steps }) {
  const line = 40;
  const top = Math.max(1, ...steps.map((one) => one.left));
  return {
    svg: svg(width, steps.length * line, steps.map((one) => `${one.name}: ${number(one.left)}`).join(", "),
      steps.map((one, at) => [
        s("rect", { x: 0, y: at * line + 18, width: Math.max(3, (one.left / top) * width), height: 14, rx: 4, class: `area s${at === steps.length - 1 ? 3 : 1}` }),
        s("text", { x: 0, y: at * line + 13, class: "name" }, shorten(one.name, width - 110)),
        s("text", { x: width, y: at * line + 13, class: "tick end" }, one.lost ? `−${number(one.lost)} · ${number(one.left)} left` : number(one.left)),
      ])),
  };
}

export function legend(rows) {
  return rows.map(([at, name, now]) => h("span", { class: "key" }, h("i", { class: `swatch s${at}` }), name, now !== undefined && h("b", {}, now)));
}

export const shorten = (text, width) => {
  const count = Math.max(8, Math.floor(width / 7.2));
  return text.length > count ? `${text.slice(0, count - 1)}…` : text;
};
