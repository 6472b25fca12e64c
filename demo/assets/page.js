"use strict";
// Shows every message of the play. Mails are shown in a frame without any right: no script, no
// form, no address outside this page. All words of a message are set as text, never as markup.
const data = JSON.parse(document.getElementById("data").textContent);
const BATCH = 100;
const CHANNELS = { email: "Email", in_app: "In the app" };
const TIERS = { micro: "Micro", streak: "Streak", program: "Program", major: "Major", nudge: "Nudge" };
const find = (id) => document.getElementById(id);
const when = new Intl.DateTimeFormat("en", { dateStyle: "medium", timeStyle: "short", timeZone: "UTC" });
const day = new Intl.DateTimeFormat("en", { month: "short", day: "numeric", timeZone: "UTC" });
let shown = [];
let limit = BATCH;
let open = null;
let tab = 0;

function make(tag, attributes = {}, ...children) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) element.addEventListener(name.slice(2), value);
    else if (value !== false && value !== null) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children);
  return element;
}

function chips(box, name, labels, key) {
  const counts = Object.fromEntries(Object.keys(labels).map((id) => [id, 0]));
  for (const item of data.items) counts[item[key]] += 1;
  const all = [["", "All", data.items.length], ...Object.entries(labels).map(([id, label]) => [id, label, counts[id]])];
  for (const [id, label, count] of all) {
    const input = make("input", { type: "radio", name, value: id, checked: id === "", onchange: refilter });
    box.append(make("label", { class: "chip" }, input, make("span", {}, label, make("small", {}, String(count)))));
  }
}

function chosen(name) {
  return document.querySelector(`input[name="${name}"]:checked`).value;
}

function refilter() {
  const [tier, channel] = [chosen("tier"), chosen("channel")];
  const words = find("query").value.toLowerCase().split(/\s+/).filter(Boolean);
  shown = data.items.filter((item) =>
    (!tier || item.tier === tier) && (!channel || item.channel === channel)
    && words.every((word) => item.haystack.includes(word)));
  limit = BATCH;
  list();
}

function besides(item) {
  const gift = item.beside.find(([term]) => term === "Gift");
  return [...Object.keys(item.files).map(() => "PDF"), ...(gift ? [gift[1].split(" ")[0] + " gift"] : [])].join(", ");
}

function list() {
  const rows = shown.slice(0, limit).map((item) => make("li", {}, make("button", {
    class: "item", type: "button", "data-id": item.id, "aria-current": item === open ? "true" : false,
    onclick: () => read(item, true),
  },
  make("b", {}, item.client), make("time", { datetime: item.at }, day.format(new Date(item.at))),
  make("span", { class: "subject" }, item.subject), make("span", { class: "way" }, CHANNELS[item.channel]),
  make("span", { class: `tier ${item.tier}` }, TIERS[item.tier]),
  make("span", { class: "way" }, besides(item)))));
  find("items").replaceChildren(...rows);
  find("more").hidden = shown.length <= limit;
  find("shown").textContent = shown.length
    ? `${shown.length} of ${data.items.length} messages, newest first`
    : "No message fits. Choose another weight or channel, or fewer words.";
}

function facts(item) {
  const rows = [["To", item.channel === "email" ? `${item.client} <${item.to}>` : item.client]];
  if (item.from) rows.push(["From", item.from]);
  rows.push(["For", item.milestone], ["Sent", `${when.format(new Date(item.at))} UTC, in the play's calendar`]);
  rows.push(...item.beside);
  return make("dl", { class: "facts" }, ...rows.map(([term, words]) =>
    make("div", {}, make("dt", {}, term), make("dd", {}, words))));
}

function files(item) {
  const links = Object.entries(item.files).map(([name, content]) => make("a", {
    class: "file", href: `data:application/pdf;base64,${content}`, download: name,
  }, name));
  return links.length ? [make("p", { class: "files" }, "Attached: ", ...links)] : [];
}

function mail(item) {
  const html = item.html.replace(/cid:([^"'\s)>]+)/g, (whole, cid) => data.images[item.images[cid]] || whole);
  const panels = [
    make("iframe", { sandbox: "", title: `The mail "${item.subject}" as it looks`, srcdoc: html }),
    make("pre", { tabindex: "0" }, item.text),
  ].map((content, n) => make("div", {
    class: "panel", role: "tabpanel", id: `panel-${n}`, "aria-labelledby": `tab-${n}`, hidden: n !== tab,
  }, content));
  const tabs = ["As it looks", "Plain text"].map((label, n) => make("button", {
    type: "button", role: "tab", id: `tab-${n}`, "aria-controls": `panel-${n}`,
    "aria-selected": String(n === tab), tabindex: n === tab ? "0" : "-1",
    onclick: () => turn(n), onkeydown: (event) => {
      if (event.key === "ArrowRight" || event.key === "ArrowLeft") { turn(1 - tab); event.stopPropagation(); }
    },
  }, label));
  return [make("div", { role: "tablist", "aria-label": "Parts of the mail" }, ...tabs), ...panels];
}

function turn(to) {
  tab = to;
  for (const n of [0, 1]) {
    find(`tab-${n}`).setAttribute("aria-selected", String(n === to));
    find(`tab-${n}`).tabIndex = n === to ? 0 : -1;
    find(`panel-${n}`).hidden = n !== to;
  }
  find(`tab-${to}`).focus();
}

function note(item) {
  return [make("div", { class: "inbox" }, make("div", { class: "note" },
    make("strong", {}, item.subject), make("p", {}, item.text)))];
}

function read(item, focus) {
  open = item;
  const at = shown.indexOf(item);
  const step = (label, to) => make("button", {
    class: "step", type: "button", disabled: !shown[to], onclick: () => read(shown[to], true),
  }, label);
  find("reader").replaceChildren(
    make("div", { class: "bar" },
      make("button", { class: "back", type: "button", onclick: () => history.back() }, "Back"),
      make("span", { class: `tier ${item.tier}` }, `${TIERS[item.tier]}, ${CHANNELS[item.channel].toLowerCase()}`),
      make("div", { class: "steps" }, step("Newer", at - 1), step("Older", at + 1))),
    make("h2", {}, item.subject), facts(item), ...files(item), ...(item.channel === "email" ? mail(item) : note(item)));
  for (const row of document.querySelectorAll(".item")) {
    const current = row.dataset.id === item.id;
    if (current) row.setAttribute("aria-current", "true"); else row.removeAttribute("aria-current");
    if (current && focus) row.scrollIntoView({ block: "nearest" });
  }
  if (focus && location.hash.slice(1) !== item.id) {
    const isReading = document.body.classList.contains("reading");
    history[isReading ? "replaceState" : "pushState"](null, "", `#${item.id}`);
  }
  document.body.classList.toggle("reading", focus);
  if (focus && matchMedia("(max-width: 760px)").matches) { scrollTo(0, 0); find("reader").focus(); }
}

function follow() {
  const item = data.items.find((one) => one.id === location.hash.slice(1));
  if (item) read(item, true);
  else {
    document.body.classList.remove("reading");
    document.querySelector(".item[aria-current]")?.focus();
  }
}

function keys(event) {
  if (event.altKey || event.ctrlKey || event.metaKey || event.target.matches?.("input")) return;
  const by = { ArrowDown: 1, j: 1, ArrowUp: -1, k: -1 }[event.key];
  if (event.key === "/") { event.preventDefault(); find("query").focus(); }
  if (!by || !(event.target === document.body || event.target.closest?.("#list"))) return;
  const to = shown[Math.max(0, shown.indexOf(open) + by)];
  if (!to) return;
  event.preventDefault();
  if (shown.indexOf(to) >= limit) { limit += BATCH; list(); }
  read(to, true);
  document.querySelector(".item[aria-current]")?.focus();
}

for (const item of data.items) {
  item.haystack = `${item.client} ${item.to} ${item.subject} ${item.milestone} ${item.text}`.toLowerCase();
}
find("practice").textContent = data.practice;
chips(find("tiers"), "tier", TIERS, "tier");
chips(find("channels"), "channel", CHANNELS, "channel");
find("query").addEventListener("input", refilter);
document.querySelector("form").addEventListener("submit", (event) => event.preventDefault());
find("more").addEventListener("click", () => { limit += BATCH; list(); });
addEventListener("hashchange", follow);
addEventListener("popstate", follow);
document.addEventListener("keydown", keys);
refilter();
if (location.hash) follow();
else if (shown.length && !matchMedia("(max-width: 760px)").matches) {
  const first = shown.find((item) => item.beside.some(([term]) => term === "Gift")) || shown[0];
  limit = Math.max(limit, shown.indexOf(first) + 1);
  list();
  read(first, false);
  document.querySelector(".item[aria-current]").scrollIntoView({ block: "center" });
}
