// The cart of this tab, and the offer that was made to it. It is gone with the tab; nobody is told but by events.

const KEPT = "larkmoor.cart";
const listeners = new Set();

function read() {
  try {
    return JSON.parse(sessionStorage.getItem(KEPT)) || {};
  } catch {
    return {};
  }
}

let lines = read();
export let offer = null;

function changed() {
  try {
    sessionStorage.setItem(KEPT, JSON.stringify(lines));
  } catch {
    // full or switched off: the cart lives as long as the page
  }
  listeners.forEach((tell) => tell());
}

export const onChange = (tell) => listeners.add(tell);
export const entries = () => Object.entries(lines);
export const count = () => Object.values(lines).reduce((sum, one) => sum + one, 0);

export function add(id, by = 1) {
  lines[id] = (lines[id] || 0) + by;
  if (lines[id] <= 0) delete lines[id];
  changed();
}

export function clear() {
  lines = {};
  changed();
}

export function setOffer(found) {
  offer = found;
}

export const standingOffer = () => (offer && offer.until_ms > Date.now() ? offer : null);
