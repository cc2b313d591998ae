/* kairos-capture.js: what a visitor does on a page, and what consent platforms say, told through kairos.js. docs/channels.md has each event.
 *  1  <script src="/client/kairos-capture.js" defer></script>                   after kairos.js; a `data-base` there stands here as well
 *  2  KairosCapture.start(kairos)                                              all signals: scroll, dwell, rage, dead, back, exit, form, video
 *  3  KairosCapture.start(kairos, {video: false})                              without one
 *  4  KairosCapture.start(kairos, {exit: {placements: ["banner"]}})            more fields for its events: what of the page is decided anew
 *  5  KairosCapture.start(kairos, {unasked: true})                             also of who has said nothing of consent yet: else nothing is told
 *     without `analytics`; with Do Not Track or Global Privacy Control nothing is told at all
 *  6  KairosCapture.consent(kairos, {tcf: true, google: true, segment: true})   platforms -> `consent_changed`; {tcf: {purposes: …}} maps them otherwise
 *  7  KairosCapture.stop()                                                     listens to nothing any more
 *  8  data-kairos-ignore: no click there is a sign of anything
 *  9  Keys, texts, values, ids and classes are never read: an element is named by its placement, and by roles, tags and places in it
 */
(() => {
  "use strict";
  const own = document.currentScript;
  const engine = `${own.dataset.base || new URL(own.src).origin}/v1/`;
  // --- what counts, and why ---------------------------------------------------------------------------------------
  // nobody gives so many signs in earnest
  const PER_MINUTE = 30, MINUTE_MS = 6e4;
  // where a page's foot begins there is nothing more to read
  const DEPTHS = [25, 50, 75, 90];
  // where scrolling rests, not what it flies over
  const REST_MS = 200;
  // who neither moves nor plays for so long does not look; less than a second is no look; after 20 minutes it would be another visit
  const IDLE_MS = 3e4, LOOK_MS = 1000, STALE_MS = 12e5;
  // so fast on one spot nobody waits for an answer; the engine takes three within two seconds for rage
  const RAGE_CLICKS = 3, RAGE_MS = 1000, RAGE_PX = 30;
  // after a second without an answer a visitor believes that none will come; a press may be a long one
  const DEAD_MS = 1000, WATCH_MS = 4000;
  // a page that was left so soon was not what was looked for
  const BACK_MS = 1e4;
  // a pointer may rest at the top when a page opens
  const EXIT_AFTER_MS = 3000;
  // a finger that throws the page up by a screen looks for the address bar
  const UP_MS = 400, UP_PX = 600, TOUCH_MS = 1500;
  // so long in a field without a letter, or in it for the third time
  const FIELD_MS = 15e3, FIELD_TIMES = 3;
  // a film that jumps further between two looks at it was wound on
  const PARTS = [25, 50, 75, 100], PLAYED_S = 2;
  const STEPS_MAX = 5, NAME_MAX = 100;

  const SIGNALS = ["scroll", "dwell", "rage", "dead", "back", "exit", "form", "video"];
  const CLICKABLE = "a, button, summary, [role=button], [role=link], [role=tab], [role=menuitem], [onclick]";
  // these answer a click by themselves
  const ANSWERING = "input, select, textarea, option, label, [contenteditable], video, audio, canvas, iframe, object, embed, [data-kairos-ignore]";
  const ELSEWHERE = "[download], [target]:not([target=_self])";
  const FIELDS = "form :is(input, select, textarea):not([type=button], [type=submit], [type=reset], [type=image], [type=checkbox], [type=radio], [type=search])";

  let kairos, wanted, page, trail = [], told = [], begun = new AbortController(), tied = new AbortController();
  const on = (target, types, run) => types.split(" ").forEach((type) => target.addEventListener(type, run, { capture: true, passive: true, signal: begun.signal }));
  const later = (run, ms, { signal } = begun) => setTimeout(() => signal.aborted || run(), ms);
  const isTouch = () => matchMedia("(pointer: coarse)").matches;

  // --- telling ----------------------------------------------------------------------------------------------------
  const may = () => {
    const purposes = kairos.consent();
    return !kairos.isOptedOut && (purposes ? purposes.includes("analytics") : Boolean(wanted.unasked));
  };
  const isThere = (name) => Boolean(document.querySelector(`[data-kairos="${CSS.escape(name)}"]`));
  const tell = (signal, type, ...all) => {
    const nowMs = Date.now();
    told = told.filter((ms) => nowMs - ms < MINUTE_MS);
    if (!wanted[signal] || !may() || told.length + all.length > PER_MINUTE) return false;
    const { placements = [], properties, ...more } = Object(wanted[signal]);
    all.forEach((fields, at) => {
      // what several events say together is decided on once
      const asked = at === all.length - 1 ? placements.filter(isThere) : [];
      told.push(nowMs);
      kairos.track(type, { page: page.path, ...more, ...fields, placements: asked, properties: { ...properties, ...fields.properties } });
    });
    return true;
  };
  const stepTo = (element) => {
    const { localName, parentElement } = element, role = element.getAttribute("role");
    const same = [...(parentElement?.children || [])].filter((one) => one.localName === localName);
    const name = /^[a-z]+$/.test(role || "") ? role : localName;
    return same.length > 1 ? `${name}:${same.indexOf(element) + 1}` : name;
  };
  const nameOf = (element) => {
    const steps = [];
    for (let one = element, isTop; one && one !== document.body && steps.length < STEPS_MAX && !isTop; one = one.parentElement) {
      isTop = one.dataset.kairos || one.localName === "main";
      steps.unshift(one.dataset.kairos || stepTo(one));
    }
    return steps.join("/").slice(0, NAME_MAX);
  };

  // --- pages, and the time on them --------------------------------------------------------------------------------
  const open = () => ({
    path: location.pathname, ms: Date.now(), activeMs: 0, lastMs: Date.now(), isSeen: !document.hidden, depths: [], heights: [], fields: new WeakMap(),
  });
  const look = () => {
    const nowMs = Date.now();
    if (page.isSeen && may()) page.activeMs += Math.min(nowMs - page.lastMs, IDLE_MS);
    page.lastMs = nowMs;
  };
  const leave = () => {
    const isStale = Date.now() - page.lastMs > STALE_MS;
    look();
    if (page.activeMs >= LOOK_MS && !isStale) tell("dwell", "page_left", { properties: { seconds: `${Math.round(page.activeMs / 1000)}` } });
    page.activeMs = 0;
  };
  const turn = () => {
    if (location.pathname === page.path) return;
    leave();
    trail = [...trail, page].slice(-2);
    page = open();
    // after the page's own word of it
    if (trail[0].path === page.path && page.ms - trail[1].ms <= BACK_MS) later(returned, 0);
  };
  const returned = (isQuick = true) => tell("back", "page_viewed", isQuick ? { attribute: "back_and_forth" } : {});
  const watchPages = () => {
    for (const name of ["pushState", "replaceState"]) {
      const before = history[name], { signal } = begun;
      const ours = history[name] = function (...given) { before.apply(this, given); signal.aborted || turn(); };
      signal.addEventListener("abort", () => { if (history[name] === ours) history[name] = before; });
    }
    on(window, "popstate", turn);
    // before kairos.js sends what is left
    on(window, "pagehide", () => { page.leftMs = Date.now(); leave(); });
    on(window, "visibilitychange", () => {
      if (document.hidden) { if (isTouch() && !page.leftMs) exit("hidden"); leave(); }
      Object.assign(page, { isSeen: !document.hidden, lastMs: Date.now() });
    });
    // out of the browser's memory, where no script of the page runs anew
    on(window, "pageshow", ({ persisted }) => {
      if (!persisted) return;
      const awayMs = Date.now() - page.leftMs;
      page = open();
      returned(awayMs <= BACK_MS);
    });
    on(document, "pointermove pointerdown keydown scroll wheel touchmove", look);
  };

  // --- scrolling, and the way out ---------------------------------------------------------------------------------
  let rest, touchMs = 0;
  const measure = (nowMs) => { page.heights = [...page.heights.filter(([ms]) => nowMs - ms <= UP_MS), [nowMs, scrollY]]; };
  const scrolled = () => {
    const nowMs = Date.now();
    answers += 1;
    measure(nowMs);
    if (nowMs - touchMs <= TOUCH_MS && Math.max(...page.heights.map(([, y]) => y)) - scrollY >= UP_PX) exit("scroll");
    clearTimeout(rest);
    rest = later(rested, REST_MS);
  };
  const rested = () => {
    const depth = scrollY > 0 ? (scrollY + innerHeight) / document.documentElement.scrollHeight * 100 : 0;
    const reached = DEPTHS.filter((one) => one <= depth && !page.depths.includes(one));
    if (reached.length && tell("scroll", "page_scrolled", ...reached.map((one) => ({ value: `${one}` })))) page.depths.push(...reached);
  };
  const exit = (how) => {
    if (page.isExit || Date.now() - page.ms < EXIT_AFTER_MS) return;
    page.isExit = tell("exit", "page_scrolled", { attribute: "exit_intent", value: how });
  };
  const watchScrolling = () => {
    on(document, "scroll", scrolled);
    // also before it scrolls: a busy device scrolls in one leap
    on(document, "touchmove", () => measure(touchMs = Date.now()));
    on(document, "mouseout", ({ relatedTarget, clientY, buttons }) => { if (!relatedTarget && clientY <= 0 && !buttons) exit("pointer"); });
  };

  // --- clicks -----------------------------------------------------------------------------------------------------
  let clicks = [], answers = 0, before = 0, waiting, ragedMs = 0;
  const looksAlive = (target) => Boolean(target.closest(CLICKABLE)) || getComputedStyle(target).cursor === "pointer";
  // three clicks also mark a paragraph
  const isMarking = (target) => !getSelection().isCollapsed && getSelection().containsNode(target, true);
  const goesOn = ({ href }, { defaultPrevented }) => href && !defaultPrevented && !/^javascript:/i.test(href) && `${href}`.split("#")[0] !== location.href.split("#")[0];
  const clicked = (event) => {
    const { target, clientX: x, clientY: y } = event, ms = Date.now();
    // by hand, not by a script or the Enter key
    if (!event.isTrusted || !event.detail || target.closest(ANSWERING)) return;
    const element = target.closest(`${CLICKABLE}, svg`) || target, isAlive = looksAlive(target), fields = { value: nameOf(element) };
    clicks = clicks.filter((one) => one.element === element && ms - one.ms <= RAGE_MS && Math.hypot(one.x - x, one.y - y) <= RAGE_PX);
    clicks.push({ element, x, y, ms });
    clearTimeout(waiting);
    if (clicks.length >= RAGE_CLICKS && (isAlive || !isMarking(target))) {
      tell("rage", "element_clicked", ...clicks.map((one) => ({ ...fields, attribute: "rage_click", event_time_ms: one.ms })));
      clicks = [];
      ragedMs = ms;
    } else if (isAlive && !element.matches(ELSEWHERE) && ms - ragedMs > RAGE_MS) {
      waiting = later(() => { if (answers === before && !goesOn(element, event)) tell("dead", "element_clicked", { ...fields, attribute: "dead_click" }); }, DEAD_MS);
    }
  };
  const watchClicks = () => {
    const { signal } = begun, changes = new MutationObserver(() => { answers += 1; });
    const requests = new PerformanceObserver((list) => { answers += list.getEntries().some(({ name }) => !name.startsWith(engine)); });
    // from the press on, which a page may answer already; at other times it costs nothing
    const watch = () => {
      changes.observe(document, { attributes: true, characterData: true, childList: true, subtree: true });
      requests.observe({ type: "resource" });
    };
    const unwatch = () => { changes.disconnect(); requests.disconnect(); };
    let ending;
    on(document, "pointerdown", () => { clearTimeout(ending); watch(); before = answers; ending = later(unwatch, WATCH_MS); });
    signal.addEventListener("abort", unwatch);
    on(window, "blur", ({ target }) => { answers += target === window; });
    on(window, "popstate hashchange pagehide input change invalid submit toggle play pause", () => { answers += 1; });
    on(document, "click", clicked);
  };

  // --- forms and films --------------------------------------------------------------------------------------------
  let pause, hasWindow = true;
  const hesitates = (field, how) => {
    const seen = page.fields.get(field);
    if (seen && !seen[how]) seen[how] = tell("form", "form_hesitated", { attribute: nameOf(field), value: how });
  };
  const linger = ({ target }) => {
    clearTimeout(pause);
    if (target.matches?.(FIELDS)) pause = later(() => document.hidden || hesitates(target, "long"), FIELD_MS);
  };
  const enter = (event) => {
    const { target } = event, isBack = !hasWindow;
    hasWindow = true;
    linger(event);
    if (!target.matches?.(FIELDS) || isBack) return;
    const seen = page.fields.get(target) || { times: 0 };
    seen.times += 1;
    page.fields.set(target, seen);
    if (seen.times >= FIELD_TIMES) hesitates(target, "again");
  };
  const watchForms = () => {
    on(document, "focusin", enter);
    on(document, "input", linger);
    on(document, "focusout", () => { clearTimeout(pause); hasWindow = document.hasFocus(); });
  };
  const films = new WeakMap();
  const watchFilms = () => on(document, "timeupdate ended", (event) => played(event));
  const played = ({ type, target }) => {
    const { currentSrc, currentTime, duration, loop, muted, autoplay } = target;
    // what plays by itself is decoration
    if (!(duration > 0 && duration < Infinity) || loop || (muted && autoplay)) return;
    look();
    let film = films.get(target);
    if (film?.currentSrc !== currentSrc) films.set(target, film = { currentSrc, second: currentTime, parts: [] });
    const isPlayed = Math.abs(currentTime - film.second) <= PLAYED_S, passes = (one) => film.second < one / 100 * duration && currentTime >= one / 100 * duration;
    const part = type === "ended" ? (film.parts.includes(75) ? 100 : 0) : PARTS.find((one) => one < 100 && isPlayed && passes(one));
    film.second = currentTime;
    if (!part || film.parts.includes(part)) return;
    const item = target.closest("[data-item]");
    // the first part is a touch of the item, the others are the same one
    const items = item && !film.parts.length ? { item_ids: [item.dataset.item] } : {};
    if (tell("video", "video_played", { attribute: "video", value: `${part}`, properties: { element: nameOf(target) }, ...items })) film.parts.push(part);
  };

  // --- consent platforms ------------------------------------------------------------------------------------------
  // of theirs all are needed for one of ours
  const PURPOSES = {
    tcf: { personalisation: [1, 5, 6], analytics: [1, 8, 9], advertising: [1, 3, 4] },
    google: { personalisation: ["personalization_storage"], analytics: ["analytics_storage"], advertising: ["ad_storage", "ad_user_data", "ad_personalization"] },
    segment: { personalisation: ["personalisation"], analytics: ["analytics"], advertising: ["advertising"] },
  };
  // a platform's script may come after ours
  const FIND_MS = 500, FINDS = 40, HASH_BYTES = 8;
  // purposes of ours that are said something of: one no is no, and a yes needs all
  const granted = (purposes, answerTo) => {
    const said = Object.entries(purposes).map(([ours, theirs]) => [ours, theirs.map(answerTo)]);
    return Object.fromEntries(said.filter(([, all]) => all.includes(false) || !all.includes(undefined)).map(([ours, all]) => [ours, all.every(Boolean)]));
  };
  const agree = (client, said, properties) => {
    if (client.isOptedOut) return;
    const had = client.consent(), kept = (had || []).filter((one) => !(one in said));
    const has = [...kept, ...Object.keys(said).filter((one) => said[one])];
    const isNew = had ? `${[...had].sort()}` !== `${[...has].sort()}` : "personalisation" in said || Object.values(said).includes(false);
    if (isNew) client.consent(has, properties);
  };
  const hashOf = async (text) => {
    const bytes = new Uint8Array(await crypto.subtle.digest("SHA-256", new TextEncoder().encode(text)));
    return [...bytes.slice(0, HASH_BYTES)].map((one) => one.toString(16).padStart(2, "0")).join("");
  };
  const PLATFORMS = {
    // IAB TCF 2.2
    tcf: (client, { purposes, vendor, outside, text_version: version }, signal) => {
      if (typeof window.__tcfapi !== "function") return false;
      let newest;
      signal.addEventListener("abort", () => newest && window.__tcfapi("removeEventListener", 2, () => {}, newest.listenerId));
      window.__tcfapi("addEventListener", 2, async (data, isDone) => {
        if (signal.aborted || !isDone || !["tcloaded", "useractioncomplete"].includes(data.eventStatus)) return;
        newest = data;
        const { gdprApplies, tcfPolicyVersion, tcString, purpose, vendor: vendors } = data, isPartner = !vendor || vendors?.consents?.[vendor];
        // where that law does not hold nobody was asked, and what that means is for the site to say
        if (gdprApplies === false && !outside) return;
        const said = gdprApplies === false
          ? Object.fromEntries(Object.keys(purposes).map((one) => [one, outside.includes(one)]))
          : granted(purposes, (one) => Boolean(isPartner && purpose?.consents?.[one]));
        // the string itself tells much of a person; by its hash it is found in the platform's records
        const digest = tcString && crypto.subtle ? `/${await hashOf(tcString)}` : "";
        if (newest === data && !signal.aborted) agree(client, said, { source: "tcf", text_version: version || `tcf-${tcfPolicyVersion}${digest}` });
      });
      return true;
    },
    // Consent Mode 2: what is the default nobody has said yet
    google: (client, { purposes, text_version }, signal) => {
      const layer = window.dataLayer ||= [], states = {}, { push } = layer;
      const read = (entry) => {
        if (entry?.[0] !== "consent" || signal.aborted) return;
        const [, action, given] = entry;
        // of a region only, which is not known here
        if (action !== "default" || !given?.region) Object.assign(states, given);
        const answers = { granted: true, denied: false };
        if (action === "update") agree(client, granted(purposes, (one) => answers[states[one]]), { source: "google_consent_mode", text_version });
      };
      [...layer].forEach(read);
      layer.push = function (...entries) { const done = push.apply(this, entries); entries.forEach(read); return done; };
      return true;
    },
    segment: (client, { purposes, text_version }, signal) => {
      if (!window.analytics?.addSourceMiddleware) return false;
      const plain = (name) => `${name}`.toLowerCase().replace("ization", "isation");
      window.analytics.addSourceMiddleware(({ payload, next }) => {
        const told = payload.obj?.context?.consent?.categoryPreferences;
        const answers = Object.fromEntries(Object.entries(told || {}).map(([name, answer]) => [plain(name), answer]));
        if (told && !signal.aborted) agree(client, granted(purposes, (one) => answers[plain(one)]), { source: "segment", text_version });
        next(payload);
      });
      return true;
    },
  };

  const end = () => { begun.abort(); begun = new AbortController(); };
  window.KairosCapture = {
    start: (client, options = {}) => {
      end();
      kairos = client;
      wanted = { ...Object.fromEntries(SIGNALS.map((one) => [one, true])), ...options };
      page = open();
      trail = [];
      [watchPages, watchScrolling, watchClicks, watchForms, watchFilms].forEach((watch) => watch());
    },
    stop: () => { end(); tied.abort(); tied = new AbortController(); },
    consent: (client, platforms) => {
      const { signal } = tied;
      const find = (name, settings, left) => PLATFORMS[name](client, settings, signal) || (left && later(() => find(name, settings, left - 1), FIND_MS, tied));
      for (const [name, options] of Object.entries(platforms)) if (options) find(name, { purposes: PURPOSES[name], ...Object(options) }, FINDS);
    },
  };
})();
