// <cairn-inbox>: a client's celebrations inside the platform's own page. No dependency, no build.
//
// It must never put the token into an address, show markup that it did not build itself, or throw into the page
// that it stands on. While the service is away it waits, longer each time, and shows what it has.
//
// Theory of operation: a stream (server-sent events over fetch, since EventSource sends no Authorization) says that
// something changed; then the list is asked for. Messages are kept by id, so what a reader has open stays open.

const PAGE_ITEMS = 20;
const FIRST_PAUSE_MS = 1_000;
const LONGEST_PAUSE_MS = 60_000;
const SILENCE_MS = 70_000; // the service speaks at least every 25 s
const ELEMENTS = new Set(["P", "BR", "STRONG", "B", "EM", "I", "UL", "OL", "LI", "BLOCKQUOTE", "A", "IMG"]);

const LABELS = {
  heading: "Messages",
  none: "Nothing here yet. What you reach will show up here.",
  loading: "Loading your messages",
  away: "Messages cannot be loaded right now. This page keeps trying.",
  expired: "Reload this page to see your messages.",
  allRead: "Mark all as read",
  older: "Show older messages",
  unread: "unread",
  count: (unread) => (unread === 1 ? "1 unread message" : `${unread} unread messages`),
  arrived: (title) => `New message: ${title}`,
};

const STYLE = `
:host { display: block; color-scheme: light;
  --_text: var(--cairn-text, #22282e); --_quiet: var(--cairn-quiet, #5c666f); --_surface: var(--cairn-surface, #fff);
  --_edge: var(--cairn-edge, #e4e0d7); --_accent: var(--cairn-accent, #8a5a1d); --_on-accent: var(--cairn-on-accent, #fff);
  --_focus: var(--cairn-focus, #b7833a); color: var(--_text);
  font: var(--cairn-font, 400 16px/1.55 system-ui, -apple-system, "Segoe UI", Roboto, sans-serif); }
:host([hidden]) { display: none; }
@media (prefers-color-scheme: dark) { :host(:not([scheme="light"])) { color-scheme: dark;
  --_text: var(--cairn-text, #edf0f2); --_quiet: var(--cairn-quiet, #a9b4bd); --_surface: var(--cairn-surface, #1d2329);
  --_edge: var(--cairn-edge, #333c45); --_accent: var(--cairn-accent, #f1d8a4); --_on-accent: var(--cairn-on-accent, #22282e); } }
* { box-sizing: border-box; }
section { background: var(--_surface); border: 1px solid var(--_edge); border-radius: var(--cairn-radius, 12px); overflow: hidden; }
header { display: flex; flex-wrap: wrap; align-items: center; gap: 4px 10px; padding: 14px 20px; min-height: 60px; }
h2 { margin: 0; font-size: 1.125em; line-height: 1.3; }
.count { min-width: 1.7em; padding: 1px .5em; border-radius: 1em; background: var(--_accent); color: var(--_on-accent); font-size: .8125em; font-weight: 600; text-align: center; font-variant-numeric: tabular-nums; }
ul.list { list-style: none; margin: 0; padding: 0; }
li.item { border-top: 1px solid var(--_edge); }
button { font: inherit; color: inherit; background: none; border: 0; cursor: pointer; text-align: start; }
.open { display: grid; grid-template-columns: 10px 1fr auto; gap: 2px 12px; align-items: baseline; width: 100%; padding: 14px 20px; }
.dot { width: 9px; height: 9px; border-radius: 50%; background: transparent; align-self: center; }
.item.unread .dot { background: var(--_accent); }
.item.unread .title { font-weight: 650; }
.title { overflow-wrap: anywhere; }
time { color: var(--_quiet); font-size: .8125em; white-space: nowrap; }
.open:hover { background: color-mix(in srgb, var(--_text) 5%, transparent); }
.body { padding: 6px 20px 18px 42px; overflow-wrap: break-word; }
.body > :first-child { margin-top: 0; } .body > :last-child { margin-bottom: 0; }
.body img { max-width: 100%; height: auto; } .body a[href] { color: var(--_accent); }
.body:not([hidden]) { animation: appear .18s ease-out; }
@keyframes appear { from { opacity: 0; transform: translateY(-3px); } }
.note { margin: 0; padding: 18px 20px; border-top: 1px solid var(--_edge); color: var(--_quiet); }
.plain { color: var(--_accent); font-size: .875em; font-weight: 600; padding: 8px; margin: -8px -8px -8px auto; min-height: 40px; }
.older { display: block; width: 100%; padding: 14px 20px; border-top: 1px solid var(--_edge); text-align: center; margin: 0; }
button:focus-visible, a:focus-visible { outline: 3px solid var(--_focus); outline-offset: -3px; border-radius: 6px; }
.heard { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
[hidden] { display: none !important; }
@media (prefers-reduced-motion: reduce) { .body:not([hidden]) { animation: none; } }
@media (forced-colors: active) { .item.unread .dot { background: Highlight; } .count { border: 1px solid; } }
`;

class CairnInbox extends HTMLElement {
  static observedAttributes = ["src", "token"];
  #items = new Map(); // id -> { item, row }
  #next = null;
  #unread = 0;
  #stop = null;
  #loading = null; // the signal of who loads
  #mustLoadAgain = false;
  #labels = LABELS;
  #part = {};
  #onVisibility = () => (document.hidden ? this.#end() : this.#begin());
  #onOnline = () => this.#begin();

  constructor() {
    super();
    this.#build(this.attachShadow({ mode: "open" }));
  }

  /** The signed token of the client who reads; set a new one before it ends, or on `cairn-expired`. */
  get token() { return this.getAttribute("token") ?? ""; }
  set token(value) { this.setAttribute("token", value ?? ""); }

  /** How many messages are unread. */
  get unread() { return this.#unread; }

  /** Words in the reader's language; what is left out stays English. */
  get labels() { return this.#labels; }
  set labels(words) { this.#labels = { ...LABELS, ...words }; this.#say(); }

  connectedCallback() {
    document.addEventListener("visibilitychange", this.#onVisibility);
    addEventListener("online", this.#onOnline);
    this.#begin();
  }

  disconnectedCallback() {
    document.removeEventListener("visibilitychange", this.#onVisibility);
    removeEventListener("online", this.#onOnline);
    this.#end();
  }

  attributeChangedCallback(name, before, now) {
    if (before === now || !this.isConnected) return;
    if (name === "src" || subject(before) !== subject(now)) this.#forget(); // another inbox: nothing of the last one stays
    this.#begin();
  }

  #address(path = "") {
    const base = this.getAttribute("src") || new URL("/v1/inbox", import.meta.url).href;
    return base.replace(/\/+$/, "") + path;
  }

  #begin() {
    this.#end();
    if (!this.isConnected || document.hidden || !this.token) return;
    this.#stop = new AbortController();
    this.#live(this.#stop.signal);
  }

  #end() {
    this.#stop?.abort();
    this.#stop = null;
  }

  async #live(signal) {
    let pause = FIRST_PAUSE_MS;
    while (!signal.aborted) {
      let error = await this.#listen(signal, () => { pause = FIRST_PAUSE_MS; });
      if (error?.status === 503) error = await this.#load(signal); // no further live reader fits: the list still does
      if (signal.aborted) return;
      if (error?.status === 401) return this.#expire();
      if (error && !this.#items.size) this.#note(this.#labels.away);
      await sleep(Math.max(error?.waitMs ?? 0, pause * (0.75 + Math.random() / 2)), signal);
      pause = Math.min(pause * 2, LONGEST_PAUSE_MS);
    }
  }

  /** Listens until the stream ends; answers with what ended it, if that was a fault. */
  async #listen(signal, onLoaded) {
    const quiet = new AbortController();
    let fault = null;
    const end = () => quiet.abort();
    signal.addEventListener("abort", end, { once: true });
    let timer = setTimeout(end, SILENCE_MS);
    try {
      const response = await this.#ask("/events", { signal: quiet.signal, headers: { Accept: "text/event-stream" } });
      const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
      for (let text = ""; ; ) {
        const { done, value } = await reader.read();
        if (done) return fault;
        clearTimeout(timer);
        timer = setTimeout(end, SILENCE_MS);
        const records = (text + value).split("\n\n");
        text = records.pop();
        if (!records.some((record) => record.startsWith("event: inbox"))) continue;
        this.#load(signal).then((error) => { if (error) { fault = error; end(); } else onLoaded(); });
      }
    } catch (error) {
      return fault ?? error;
    } finally {
      clearTimeout(timer);
      signal.removeEventListener("abort", end);
      quiet.abort();
    }
  }

  async #ask(path, options = {}) {
    const headers = { Authorization: `Bearer ${this.token}`, ...options.headers };
    const response = await fetch(this.#address(path), { cache: "no-store", credentials: "omit", referrerPolicy: "no-referrer", ...options, headers });
    if (response.ok) return response;
    const waitMs = Math.min(Number(response.headers.get("Retry-After")) || 0, 300) * 1_000;
    throw Object.assign(new Error(`the inbox answered ${response.status}`), { status: response.status, waitMs });
  }

  /** Takes the newest page; answers with what went wrong, or null. */
  async #load(signal) {
    if (this.#loading === signal) {
      this.#mustLoadAgain = true;
      return null;
    }
    this.#loading = signal;
    try {
      do {
        this.#mustLoadAgain = false;
        const page = await (await this.#ask(`?limit=${PAGE_ITEMS}`, { signal })).json();
        if (signal.aborted) return null;
        this.#take(page, { isFirst: true });
      } while (this.#mustLoadAgain);
      return null;
    } catch (error) {
      return error;
    } finally {
      if (this.#loading === signal) this.#loading = null;
    }
  }

  async #loadOlder() {
    const signal = this.#stop?.signal;
    if (!this.#next || !signal) return;
    this.#part.older.disabled = true;
    try {
      const last = [...this.#items.values()].pop()?.row;
      const query = `?limit=${PAGE_ITEMS}&after=${encodeURIComponent(this.#next)}`;
      const page = await (await this.#ask(query, { signal })).json();
      if (signal.aborted) return;
      this.#take(page, { isFirst: false });
      last?.nextElementSibling?.querySelector(".open")?.focus();
    } catch (error) {
      if (error?.status === 401) this.#expire();
    } finally {
      this.#part.older.disabled = false;
    }
  }

  async #markRead(id) {
    const entry = this.#items.get(id);
    if (!entry || entry.item.read_at) return;
    entry.item.read_at = new Date().toISOString();
    this.#show(entry);
    this.#setUnread(Math.max(0, this.#unread - 1));
    try {
      await this.#ask(`/${encodeURIComponent(id)}/read`, { method: "POST" });
      this.#tell("cairn-read", { id });
    } catch (error) {
      if (this.#items.get(id) !== entry) return; // another client's inbox by now
      entry.item.read_at = null; // it stays unread, here as there
      this.#show(entry);
      this.#setUnread(this.#unread + 1);
      if (error?.status === 401) this.#expire();
    }
  }

  #take({ items, unread, next }, { isFirst }) {
    const isNews = isFirst && this.#items.size > 0;
    const fresh = [];
    if (isNews && next && !items.some((item) => this.#items.has(item.id))) this.#clear(); // between them some are missing
    for (const item of items) {
      const known = this.#items.get(item.id);
      if (known) { known.item = item; this.#show(known); } else { fresh.push(this.#row(item)); }
    }
    const entries = fresh.map((entry) => [entry.item.id, entry]);
    if (isFirst) {
      if (!this.#items.size) this.#next = next;
      this.#items = new Map([...entries, ...this.#items]);
      this.#part.list.prepend(...fresh.map((entry) => entry.row));
    } else {
      this.#next = next;
      for (const [id, entry] of entries) this.#items.set(id, entry);
      this.#part.list.append(...fresh.map((entry) => entry.row));
    }
    this.#part.older.hidden = !this.#next;
    this.#note(this.#items.size ? "" : this.#labels.none);
    this.#setUnread(unread);
    if (isNews && fresh.length) this.#part.heard.textContent = this.#labels.arrived(fresh[0].item.title);
  }

  #row(item) {
    const row = make("li", "item");
    const open = make("button", "open");
    const [dot, title, time, body] = [make("span", "dot"), make("span", "title"), make("time"), make("div", "body")];
    const state = make("span", "heard");
    const id = `m${this.#items.size}-${Math.random().toString(36).slice(2)}`;
    dot.setAttribute("aria-hidden", "true");
    open.type = "button";
    open.setAttribute("aria-expanded", "false");
    open.setAttribute("aria-controls", id);
    body.id = id;
    body.hidden = true;
    row.part = "item";
    title.dir = body.dir = "auto";
    open.append(dot, title, time, state);
    row.append(open, body);
    open.addEventListener("click", () => {
      body.hidden = !body.hidden;
      open.setAttribute("aria-expanded", String(!body.hidden));
      if (!body.hidden) this.#markRead(item.id);
    });
    const entry = { item, row, title, time, body, state };
    body.append(...safely(item));
    this.#show(entry);
    return entry;
  }

  #show({ item, row, title, time, state }) {
    const at = new Date(item.created_at);
    title.textContent = item.title;
    time.dateTime = item.created_at;
    time.textContent = Number.isNaN(at.getTime()) ? "" : at.toLocaleDateString(this.closest("[lang]")?.lang || undefined, { day: "numeric", month: "short" });
    state.textContent = item.read_at ? "" : `, ${this.#labels.unread}`;
    row.classList.toggle("unread", !item.read_at);
  }

  #build(root) {
    try {
      const sheet = new CSSStyleSheet();
      sheet.replaceSync(STYLE);
      root.adoptedStyleSheets = [sheet]; // no <style>: the page's Content-Security-Policy stays strict
    } catch { /* an old browser shows it unstyled */ }
    const part = (this.#part = {
      heading: make("h2"), count: make("span", "count"), all: make("button", "plain"), heard: make("p", "heard"),
      list: make("ul", "list"), note: make("p", "note"), older: make("button", "plain older"),
    });
    const [section, header] = [make("section"), make("header")];
    part.heading.id = "heading";
    part.count.setAttribute("aria-hidden", "true");
    part.count.part = "count";
    part.heard.setAttribute("role", "status");
    part.list.setAttribute("role", "list");
    part.list.setAttribute("aria-labelledby", "heading");
    section.setAttribute("aria-labelledby", "heading");
    section.part = "frame";
    part.all.type = part.older.type = "button";
    part.count.hidden = part.all.hidden = part.older.hidden = true;
    part.all.addEventListener("click", () => this.#readAll());
    part.older.addEventListener("click", () => this.#loadOlder());
    part.list.addEventListener("keydown", (event) => this.#move(event));
    header.append(part.heading, part.count, part.all);
    section.append(header, part.heard, part.list, part.note, part.older);
    root.append(section);
    this.#say();
    this.#note(this.#labels.loading);
  }

  #say() {
    this.#part.heading.textContent = this.#labels.heading;
    this.#part.all.textContent = this.#labels.allRead;
    this.#part.older.textContent = this.#labels.older;
    for (const entry of this.#items.values()) this.#show(entry);
  }

  #note(text) {
    this.#part.note.textContent = text;
    this.#part.note.hidden = !text;
  }

  #setUnread(unread) {
    const isNew = unread !== this.#unread;
    this.#unread = unread;
    this.#part.count.textContent = unread > 99 ? "99+" : String(unread);
    this.#part.count.hidden = this.#part.all.hidden = unread === 0;
    if (!isNew) return;
    this.#part.heard.textContent = this.#labels.count(unread);
    this.#tell("cairn-unread", { unread });
  }

  async #readAll() {
    this.#part.list.querySelector(".open")?.focus(); // the button goes away with the last unread message
    for (let pages = 0; pages < 20; pages++) {
      for (const [id, { item }] of this.#items) if (!item.read_at) await this.#markRead(id);
      if (!this.#unread || !this.#next) return;
      await this.#loadOlder();
    }
  }

  #move(event) {
    const step = { ArrowDown: 1, ArrowUp: -1, Home: -Infinity, End: Infinity }[event.key];
    const buttons = [...this.#part.list.querySelectorAll(".open")];
    const at = buttons.indexOf(event.target);
    if (step === undefined || at < 0) return;
    event.preventDefault();
    buttons[Math.min(Math.max(at + step, 0), buttons.length - 1)].focus();
  }

  #expire() {
    this.#end();
    if (!this.#items.size) this.#note(this.#labels.expired);
    this.#tell("cairn-expired", {});
  }

  #clear() {
    this.#items.clear();
    this.#next = null;
    this.#part.list.replaceChildren();
    this.#part.older.hidden = true;
  }

  #forget() {
    this.#clear();
    this.#note(this.#labels.loading);
    this.#setUnread(0);
  }

  #tell(name, detail) {
    this.dispatchEvent(new CustomEvent(name, { detail, bubbles: true, composed: true }));
  }
}

function make(name, className = "") {
  const element = document.createElement(name);
  if (className) element.className = className;
  return element;
}

/** Whose token it is, so that a renewed one keeps what is on the screen. */
function subject(token) {
  try {
    const claims = JSON.parse(atob(token.split(".")[1].replace(/-/g, "+").replace(/_/g, "/")));
    return JSON.stringify([claims.tenant ?? claims.iss, claims.sub]);
  } catch {
    return token;
  }
}

/** The message as elements that this module made itself, from a short list; as plain text where that fails. */
function safely({ html, text }) {
  try {
    if (html) return copy(new DOMParser().parseFromString(html, "text/html").body);
  } catch { /* Trusted Types forbid parsing: the text says the same */ }
  return String(text ?? "").split(/\n{2,}/).map((paragraph) => Object.assign(make("p"), { textContent: paragraph }));
}

function copy(from) {
  return [...from.childNodes].flatMap((node) => {
    if (node.nodeType === Node.TEXT_NODE) return [document.createTextNode(node.data)];
    if (node.nodeType !== Node.ELEMENT_NODE || /^(SCRIPT|STYLE|TEMPLATE)$/.test(node.tagName)) return [];
    if (!ELEMENTS.has(node.tagName)) return copy(node);
    const element = make(node.tagName.toLowerCase());
    if (node.tagName === "A") {
      if (/^https:\/\//i.test(node.getAttribute("href") ?? "")) element.href = node.getAttribute("href");
      Object.assign(element, { target: "_blank", rel: "noopener noreferrer" });
    }
    if (node.tagName === "IMG") {
      if (!/^https:\/\//i.test(node.getAttribute("src") ?? "")) return [];
      Object.assign(element, { src: node.getAttribute("src"), alt: node.getAttribute("alt") ?? "", loading: "lazy" });
    }
    element.append(...copy(node));
    return [element];
  });
}

function sleep(ms, signal) {
  return new Promise((resolve) => {
    const timer = setTimeout(resolve, ms);
    signal.addEventListener("abort", () => { clearTimeout(timer); resolve(); }, { once: true });
  });
}

if (!customElements.get("cairn-inbox")) customElements.define("cairn-inbox", CairnInbox);

export { CairnInbox };
