/* kairos.js: a page's way to Kairos, in ten lines.
 *  1  <script src="/client/kairos.js" data-key="BROWSER-KEY"></script>          without keys leave data-key out
 *  2  <section data-kairos="hero">what is shown by default</section>           a placement; reserve its room by CSS
 *  3  kairos.page("product_viewed", {item_ids: ["SKU-1"]})                     asks for all placements of the page
 *  4  kairos.track("product_added_to_cart", {item_ids: ["SKU-1"], quantity: 1, price: 9.95})
 *  5  element.addEventListener("kairos", e => draw(e.detail))                  a decision, or null: the default again;
 *     whoever draws it calls e.preventDefault(), else data-field="title" gets content.title, and so on
 *  6  in a placement: data-item="SKU-1" says what a click is about, data-kairos-dismiss closes it,
 *     data-kairos-skip turns an item away, data-kairos-ignore is no click at all
 *  7  kairos.consent(["personalisation", "analytics"], {text_version: "3"})    what was agreed to; kairos.consent() tells
 *  8  kairos.identify("customer-7", token), kairos.signOut(), kairos.forget(), kairos.context({country: "DE"})
 *  9  without consent to personalisation, or with Do Not Track or Global Privacy Control, nothing is stored: ids live
 *     as long as the page. With it the anonymous id is kept, and the session for 30 minutes after the last event.
 * 10  data-wait="400": ms until a placement without an answer shows its default. Exposure: half of it, for a second.
 */
(() => {
  "use strict";
  const own = document.currentScript, { wait = 400 } = own.dataset;
  const base = own.dataset.base || new URL(own.src).origin;
  const GAP_MS = 18e5, LINGER_MS = 25, RETRY_MS = 1000, RETRY_MS_MAX = 6e4, SEEN_MS = 1000, ANSWER_MS = 8000;
  const BATCH = 50, QUEUE_MAX = 1000, BEACON_BYTES = 6e4;
  const queue = [], slots = new Map(), exposed = new Set();
  const isOptedOut = Boolean(navigator.globalPrivacyControl) || navigator.doNotTrack === "1";
  const warn = (...words) => console.warn("kairos:", ...words);
  const isNobody = (person) => /^(undefined|null|nil|nan|none|\(null\)|\[object object\]|0|)$/i.test(`${person ?? ""}`.trim());
  const language = () => document.documentElement.lang || navigator.language;
  let key = own.dataset.key, timer, timeOut, asking, stream, retryMs = 0, restsUntil = 0, isBusy = false, most = BATCH;

  // --- who: nothing is stored without consent ---------------------------------------------------------------------
  const read = (name) => { try { return JSON.parse(localStorage.getItem(name)); } catch { return null; } };
  const write = (name, value) => {
    try { value ? localStorage.setItem(name, JSON.stringify(value)) : localStorage.removeItem(name); } catch { /* full, or off */ }
  };
  let purposes = isOptedOut ? [] : read("kairos.consent");
  const stores = () => Boolean(purposes && purposes.includes("personalisation"));
  let me = (stores() && read("kairos")) || {};
  if (!stores()) write("kairos", null);
  const random = (kind) => kind + [...crypto.getRandomValues(new Uint8Array(20))].map((one) => (one % 36).toString(36)).join("");
  const save = () => stores() && write("kairos", me);

  const wake = () => {
    const nowMs = Date.now();
    const stored = stores() && read("kairos");
    if (stored && stored.session !== me.session && stored.at > (me.at || 0)) begin(stored); // another tab went on
    if (!me.at || nowMs - me.at > GAP_MS) {
      const { person, proof } = me;
      anew({ person, proof });
      if (person) track("identified", { person_id: person });
    }
    me.at = nowMs;
    save();
  };
  const hush = () => { stream?.abort(); stream = null; };
  const begin = (other) => { me = other; hush(); };
  // whoever goes on is nobody we know
  const drop = () => { write("kairos", null); begin({}); };
  // another session of the same browser
  const anew = (who) => begin({
    ...who, at: Date.now(), ...(key ? { old: me.token || me.old } : { session: random("s-"), anonymous: me.anonymous || random("a-") }),
  });
  const sign = async (holder) => { // with a key the session is the server's, and signed
    if (!key || holder.token) return;
    const answer = await send("/v1/sessions", { token: holder.old }, {});
    if (!answer.ok) throw answer;
    const { session_id: session, anonymous_id: anonymous, token } = await answer.json();
    Object.assign(holder, { session, anonymous, token });
    if (holder === me) save();
  };

  // --- events: in batches, again until they are taken -------------------------------------------------------------
  const headers = ({ token, proof } = me) => {
    const found = { "Content-Type": "application/json" };
    if (key) found.Authorization = `Bearer ${key}`;
    if (token) found["X-Kairos-Session"] = token;
    if (proof) found["X-Kairos-Person"] = proof;
    return found;
  };
  const send = (path, body, holder) => {
    const text = JSON.stringify(body);
    const signal = AbortSignal.timeout(ANSWER_MS);
    return fetch(base + path, { method: "POST", headers: headers(holder), body: text, keepalive: text.length < BEACON_BYTES, signal });
  };
  const agent = navigator.userAgent, isPhone = () => matchMedia("(max-width: 700px)").matches;
  const context = {
    os: (/Windows|Android|iPhone|iPad|Mac|Linux/.exec(agent) || [])[0], browser: (/Firefox|Edg|Chrome|Safari/.exec(agent) || [])[0],
    utc_offset_min: -new Date().getTimezoneOffset(), campaign: new URLSearchParams(location.search).get("utm_campaign") || undefined,
    referrer: document.referrer.startsWith(location.origin) ? undefined : document.referrer.split("?")[0] || undefined,
    gpc: navigator.globalPrivacyControl,
  };
  const track = (type, fields = {}) => {
    wake();
    const event = {
      event_id: random("e-"), event_type: type, event_time_ms: Date.now(), channel: "web", page: location.pathname, person_id: me.person,
      consent: purposes || undefined, context: { device: isPhone() ? "mobile" : "desktop", ...context }, ...fields,
      properties: { language: language(), ...fields.properties },
    };
    queue.push({ event, holder: me });
    if (queue.length > QUEUE_MAX) queue.shift();
    timer ||= setTimeout(flush, retryMs || LINGER_MS);
    return event.event_id;
  };
  const stamp = ({ event, holder }) => ({ ...event, session_id: holder.session, anonymous_id: holder.anonymous, sent_at_ms: Date.now() });
  const next = () => { // what goes together: of one holder
    const other = queue.findIndex((one) => one.holder !== queue[0].holder);
    return queue.slice(0, Math.min(most, other < 0 ? most : other));
  };
  const flush = async () => {
    clearTimeout(timer);
    timer = 0;
    if (isBusy || !queue.length) return;
    const restMs = restsUntil - Date.now(); // as the server has asked for
    if (restMs > 0) { timer = setTimeout(flush, restMs); return; }
    isBusy = true;
    const { holder } = queue[0], batch = queue.splice(0, Math.min(next().length, queue.indexOf(asking) + 1 || BATCH));
    try {
      await sign(holder);
      if (holder === me) listen();
      const events = batch.map(stamp), begun = performance.now(), last = batch[batch.length - 1];
      let answer = last === asking ? await ask(last.event, events, holder) : null;
      if (!answer || (!answer.ok && answer.status !== 429)) answer = await send("/v1/events", { events }, holder);
      if (answer.status === 401 && key) {
        if (holder.again) { delete holder.person; delete holder.proof; batch.forEach((one) => delete one.event.person_id); } // it has expired
        Object.assign(holder, { old: holder.token || holder.old, token: "", again: true });
      }
      if ([401, 408, 429].includes(answer.status) || answer.status >= 500) throw answer;
      retryMs = 0;
      delete holder.again;
      const { decisions = [], rejected = [], is_logged, detail } = await answer.json().catch(() => ({})), took_ms = performance.now() - begun;
      const isSplit = [400, 413].includes(answer.status) && batch.length > 1; // one of them is odd: the others are to be taken
      most = isSplit ? batch.length >> 1 : BATCH;
      if (isSplit) queue.unshift(...batch);
      else {
        if (!answer.ok) warn("not taken:", detail || answer.status, events);
        rejected.forEach(({ index, reason }) => warn("not taken:", reason, events[index]));
        if (is_logged === false) queue.unshift(...batch); // answered, but not in the log yet: it is told when it is
        else tell(document, "kairos:sent", { events, took_ms, rejected });
        if (last === asking) {
          decisions.forEach((one) => take(one, false));
          asking = null;
        }
      }
    } catch (refused) {
      queue.unshift(...batch); // their ids stay, so what was taken already counts once
      retryMs = Math.min(RETRY_MS_MAX, retryMs * 2 || RETRY_MS);
      const waitMs = refused.headers ? refused.headers.get("Retry-After") * 1000 : 0;
      if (waitMs > 0) retryMs = Math.max(retryMs, waitMs * (1 + Math.random() / 4)); // not all pages at once
      if (waitMs > 0) restsUntil = Date.now() + retryMs;
    }
    isBusy = false;
    if (queue.length) timer ||= setTimeout(flush, retryMs || LINGER_MS);
  };
  const leave = (event) => {
    if (!event && Date.now() < restsUntil) return; // hidden only: they go later, by a request that is answered
    while (document.hidden && queue.length) {
      const own = next(), { session, token, proof: person } = own[0].holder;
      // a beacon has no headers, and addresses stand in logs
      const auth = key && { key, session: token, person };
      const body = new Blob([JSON.stringify({ events: own.map(stamp), auth })], { type: "text/plain" });
      if (!session || (key && !token)) return;
      if (navigator.sendBeacon(`${base}/v1/events`, body)) queue.splice(0, own.length);
      else if (own.length > 1) most = own.length >> 1; // too large together
      else return;
    }
  };

  // --- decisions: pushed; what is not answered in time stays as it is ---------------------------------------------
  const tell = (target, name, detail) => target.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, cancelable: true }));
  const listen = async () => { // no EventSource: it has no headers, so tokens would stand in addresses
    if (stream || !slots.size || document.hidden || !me.session || (key && !me.token)) return; // few may be open at once
    const mine = stream = new AbortController();
    let isRefused, text = "";
    try {
      const { ok, body } = await fetch(`${base}/v1/stream?session_id=${encodeURIComponent(me.session)}`, { headers: headers(), signal: mine.signal });
      isRefused = !ok;
      for (let part, reader = body.pipeThrough(new TextDecoderStream()).getReader(); !(part = await reader.read()).done;) {
        const lines = (text + part.value).split("\n");
        text = lines.pop();
        lines.forEach((line) => /^data: {"/.test(line) && take(JSON.parse(line.slice(6)), true));
      }
    } catch { /* gone, or hushed */ }
    setTimeout(() => { if (stream === mine) { stream = null; isRefused || listen(); } }, RETRY_MS * (1 + Math.random()));
  };
  const ask = ({ placements, page, consent, context }, events, { session, anonymous }) =>
    send("/v1/decisions", { session_id: session, anonymous_id: anonymous, placements, page, consent, context, events });
  const take = (decision, isPushed) => {
    const slot = slots.get(decision.placement), known = slot && slot.decision;
    if (!slot || (!isPushed && slot.isAnswered) || decision.valid_until_ms < Date.now()) return;
    slot.isAnswered = true;
    if (!known || !known.decision_id || known.decision_id !== decision.decision_id) settle(slot, decision.purged ? null : decision);
  };
  const isLink = (text) => !/[\s\0-\x20\x7f-\xa0\\]|^\/\/|^(?!https?:\/\/[^/?#]|mailto:|tel:)[^/?#]*:/i.test(text);
  const settle = (slot, decision) => {
    slot.decision = decision;
    slot.element.style.visibility = "";
    if (tell(slot.element, "kairos", decision) && decision) {
      for (const one of slot.element.querySelectorAll("[data-field]")) {
        const text = decision.content[one.dataset.field];
        if (text && one.dataset.field !== "link") one.textContent = text;
        else if (text && isLink(text)) one.setAttribute("href", text);
      }
    }
    watch(slot);
  };
  const page = (type = "page_viewed", fields = {}) => {
    const before = new Map(slots);
    slots.clear();
    for (const element of document.querySelectorAll("[data-kairos]")) {
      const name = element.dataset.kairos, known = before.get(name), isKnown = known && known.element === element;
      if (!isKnown) element.style.visibility = "hidden"; // its room stays
      slots.set(name, { ...(isKnown ? known : { name, element, decision: null }), isAnswered: false });
    }
    clearTimeout(timeOut);
    timeOut = setTimeout(() => slots.forEach((slot) => {
      const { decision, element, isAnswered } = slot;
      if (!isAnswered && (element.style.visibility || (decision && decision.valid_until_ms < Date.now()))) settle(slot, null);
    }), +wait);
    const id = track(type, { placements: [...slots.keys()], ...fields });
    if (slots.size) asking = queue[queue.length - 1];
    flush();
    return id;
  };

  // --- what became of it ------------------------------------------------------------------------------------------
  const about = ({ decision, name }, items) => ({
    decision_id: decision.decision_id, item_ids: items, properties: { action_id: decision.action_id, placement: name },
  });
  const watcher = new IntersectionObserver((entries) => entries.forEach(({ target, intersectionRatio }) => {
    const slot = slots.get(target.dataset.kairos);
    if (!slot) return;
    clearTimeout(slot.seen);
    if (intersectionRatio >= 0.5) slot.seen = setTimeout(expose, SEEN_MS, slot);
  }), { threshold: 0.5 });
  const watch = ({ element }) => { watcher.unobserve(element); watcher.observe(element); };
  const expose = (slot) => {
    const { decision } = slot;
    if (document.hidden || !decision || !decision.decision_id || decision.action_id === "nothing" || exposed.has(decision.decision_id)) return;
    exposed.add(decision.decision_id);
    const items = (decision.items || []).map((one) => one.item_id);
    track("decision_exposed", { event_id: `${decision.decision_id}/exposed`, ...about(slot, items) });
  };
  document.addEventListener("click", ({ target }) => {
    const placed = target.closest("[data-kairos]"), slot = placed && slots.get(placed.dataset.kairos);
    if (!slot || !slot.decision || !slot.decision.decision_id || !target.closest("a, button") || target.closest("[data-kairos-ignore]")) return;
    const item = target.closest("[data-item]"), fields = about(slot, item ? [item.dataset.item] : []), skip = target.closest("[data-kairos-skip]");
    if (skip) track(skip.dataset.kairosSkip || "not_interested", { ...fields, placements: [slot.name] });
    else if (target.closest("[data-kairos-dismiss]")) { track("decision_dismissed", fields); settle(slot, null); }
    else track("decision_clicked", fields);
  }, true);
  document.addEventListener("visibilitychange", () => {
    leave();
    document.hidden ? hush() : (listen(), slots.forEach(watch));
  });
  addEventListener("pagehide", leave);

  window.kairos = {
    track, page, headers, isOptedOut, isLink,
    key: (given) => { key = given; },
    context: (more) => Object.assign(context, more),
    consent: (list, properties) => {
      if (!list) return purposes;
      const had = stores();
      purposes = isOptedOut ? [] : list;
      write("kairos.consent", purposes);
      track("consent_changed", { properties });
      if (had && !stores()) drop();
      save();
      return purposes;
    },
    identify: (given, proof) => {
      if (isNobody(given)) return warn("identify: nobody is", given);
      const person = `${given}`;
      wake(); Object.assign(me, { person, proof }); save(); return track("identified", { person_id: person });
    },
    // who comes next is somebody else
    signOut: (properties) => { const done = track("signed_out", { properties }); anew({}); save(); return done; },
    // the visitor, and who is signed in where the server has proven them; nothing of either stays here
    forget: () => { const done = track("erasure_requested"); purposes = isOptedOut ? [] : null; write("kairos.consent", null); drop(); slots.forEach((slot) => settle(slot, null)); return done; },
    ids: () => ({ session_id: me.session, anonymous_id: me.anonymous, person_id: me.person, is_stored: stores() }),
  };
})();
