// Charts of what decisions earn: lifts with their intervals, and days; drawn as those of charts.js are.

import { ceiling, legend, shorten, svg } from "./charts.js";
import { number, percent, s } from "./dom.js";

const MINUTE_MS = 60000;
const DAY_MS = 86400000;

/** A KPI's value as it is read: shares in percent, times in minutes. */
export function kpi_value(value, unit) {
  if (value === null || value === undefined) return "–";
  if (unit === "share") return percent(value, 2);
  return unit === "ms" ? `${number(value / MINUTE_MS, 1)} min` : number(value, 2);
}

/** A lift with its sign. */
export const signed = (share) => (share === null || share === undefined ? "–" : `${share > 0 ? "+" : ""}${percent(share)}`);

/** A row for each { name, lift, interval: [low, high], is_sure, is_good }: a dot on its interval, beside the line of no lift. */
export function lifts(width, { rows }) {
  const line = 46;
  const ends = rows.flatMap((one) => [one.lift, ...one.interval]);
  const low = Math.min(0, ...ends);
  const high = Math.max(0, ...ends);
  const x = (value) => 8 + ((value - low) / (high - low || 1)) * (width - 16);
  const height = Math.max(1, rows.length) * line + 22;
  return {
    svg: svg(width, height, rows.map((one) => `${one.name}: ${signed(one.lift)}, between ${signed(one.interval[0])} and ${signed(one.interval[1])}`).join("; "),
      s("line", { x1: x(0), x2: x(0), y1: 0, y2: height - 20, class: "axis" }),
      s("text", { x: x(0), y: height - 4, class: `tick ${x(0) < 40 ? "" : x(0) > width - 40 ? "end" : "middle"}` }, "no difference"),
      rows.map((one, at) => {
        const y = at * line + 30;
        return s("g", { class: `lift ${one.is_sure ? (one.is_good ? "ok" : "bad") : ""}` },
          s("text", { x: 0, y: y - 14, class: "name" }, shorten(one.name, width - 120)),
          s("text", { x: width, y: y - 14, class: "tick end" }, signed(one.lift)),
          s("line", { x1: x(one.interval[0]).toFixed(1), x2: x(one.interval[1]).toFixed(1), y1: y, y2: y, class: "span" }),
          s("circle", { cx: x(one.lift).toFixed(1), cy: y, r: 6 }));
      })),
  };
}

/** A KPI by day (UTC): `series` of { name, values } beside `days`, of `unit`; a day without a value breaks the line. */
export function by_day(width, { days, series, unit }) {
  const box = frame(width);
  const known = series.flatMap((one) => one.values).filter((one) => one !== null);
  const top = ceiling(Math.max(0, ...known));
  const bottom = Math.min(0, ...known) < 0 ? -ceiling(-Math.min(0, ...known)) : 0;
  const at_ms = days.map((one) => Date.parse(one));
  const x = across(box, at_ms[0], at_ms.at(-1));
  const y = (value) => box.bottom - ((value - bottom) / (top - bottom)) * (box.bottom - box.top);
  const paths = series.map((one, at) => {
    let path = "";
    one.values.forEach((value, day) => {
      if (value !== null) path += `${day && one.values[day - 1] !== null ? "L" : "M"}${x(at_ms[day]).toFixed(1)} ${y(value).toFixed(1)}`;
    });
    const dots = one.values.map((value, day) => value !== null && s("circle", { cx: x(at_ms[day]).toFixed(1), cy: y(value).toFixed(1), r: 3, class: `dot s${at + 1}` },
      s("title", {}, `${days[day]}, ${one.name}: ${kpi_value(value, unit)}`)));
    return [s("path", { d: path, class: `line s${at + 1}` }), dots];
  });
  return {
    svg: svg(width, box.height, series.map((one) => `${one.name} by day`).join(", "), levels(box, bottom, top, (value) => kpi_value(value, unit)), dates(box, days, x), paths),
    legend: legend(series.map((one, at) => [at + 1, one.name])),
  };
}

/** The difference on each day with its interval of 95 %: `days` of { day, value, low, high }, counted from the first. */
export function differences(width, { days }) {
  const box = frame(width);
  const reach = ceiling(Math.max(...days.flatMap((one) => [Math.abs(one.low), Math.abs(one.high)])));
  const x = across(box, days[0].day, days.at(-1).day);
  const y = (value) => box.bottom - ((value + reach) / (2 * reach)) * (box.bottom - box.top);
  return {
    svg: svg(width, box.height, "The difference by day, with what it is between", levels(box, -reach, reach, (value) => number(value, reach < 4 ? 2 : 0)),
      s("text", { x: box.left, y: box.bottom + 20, class: "tick" }, `day ${days[0].day + 1}`),
      s("text", { x: box.right, y: box.bottom + 20, class: "tick end" }, `day ${days.at(-1).day + 1}`),
      days.map((one) => s("g", { class: "lift" },
        s("line", { x1: x(one.day), x2: x(one.day), y1: y(one.low), y2: y(one.high), class: "span" }),
        s("circle", { cx: x(one.day), cy: y(one.value), r: 4 }, s("title", {}, `day ${one.day + 1}: ${number(one.value, 3)}`))))),
  };
}

const frame = (width) => ({ left: 64, right: width - 12, top: 16, bottom: 208, height: 240 });

function across(box, first, last) {
  return (at) => (last === first ? (box.left + box.right) / 2 : box.left + ((at - first) / (last - first)) * (box.right - box.left));
}

function levels(box, bottom, top, says) {
  return Array.from({ length: 5 }, (_, at) => {
    const y = box.bottom - (at / 4) * (box.bottom - box.top);
    const value = bottom + ((top - bottom) * at) / 4;
    return [s("line", { x1: box.left, x2: box.right, y1: y, y2: y, class: value === 0 ? "axis" : "grid" }),
      s("text", { x: box.left - 8, y: y + 4, class: "tick end" }, says(value))];
  });
}

function dates(box, days, x) {
  const count = Math.max(1, Math.min(6, days.length, Math.floor((box.right - box.left) / 110)));
  const shown = new Set(Array.from({ length: count }, (_, at) => days[Math.round((at * (days.length - 1)) / Math.max(1, count - 1))]));
  return [...shown].map((day) => {
    const at = x(Date.parse(day));
    const place = days.length === 1 ? "middle" : at < box.left + 30 ? "" : at > box.right - 30 ? "end" : "middle";
    return s("text", { x: at, y: box.bottom + 20, class: `tick ${place}` }, day_name(day));
  });
}

/** `3 May`; days are those of UTC. */
export function day_name(day) {
  return new Date(Date.parse(day) + DAY_MS / 2).toLocaleDateString(undefined, { day: "numeric", month: "short", timeZone: "UTC" });
}
