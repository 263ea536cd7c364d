// The page: asks the server what is new, hands bubbles to their phones, and runs the control bar.
import { make } from "./bubbles.js";
import { Phone } from "./phone.js";

const base = document.body.dataset.base;
const phones = new Map();
const unread = new Map();
const byId = (id) => document.getElementById(id);
let rev = 0;
let run = "";
let chosen = "";
let hurryUntil = 0;
let timer = 0;
let toastTimer = 0;
let shownTrouble = "";
let asking = false;

function complain(text) {
  const toast = byId("toast");
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, 5000);
}

async function send(what, order) {
  try {
    const answer = await fetch(base + what, {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(order),
    });
    if (!answer.ok) complain((await answer.json().catch(() => ({}))).error || "没有成功，请再试一次");
    hurryUntil = Date.now() + 6000;
    soon(60);
    return answer.ok;
  } catch {
    complain("连不上演示程序，请看它是否还在运行");
    return false;
  }
}

// The control bar

function showTime(now) {
  const day = new Date(`${now.slice(0, 10)}T12:00:00Z`).getUTCDay();
  const clock = byId("clock");
  clock.dateTime = now;
  clock.textContent = `${now.slice(0, 4)}年${Number(now.slice(5, 7))}月${Number(now.slice(8, 10))}日 周${"日一二三四五六"[day]} ${now.slice(11, 16)}`;
}

function showControls(state) {
  showTime(state.now);
  const progress = byId("progress");
  if (progress.textContent !== state.busy) progress.textContent = state.busy;
  progress.hidden = !state.busy;
  for (const button of document.querySelectorAll("[data-jump]")) {
    const at = state.jumps[button.dataset.jump];
    button.disabled = Boolean(state.busy) || !at;
    button.title = at ? `到 ${Number(at.slice(5, 7))}月${Number(at.slice(8, 10))}日 ${at.slice(11, 16)}` : "先发布一个主题党日";
  }
  const on = { slow: state.slow, oa: state.mode === "oa" };
  for (const button of document.querySelectorAll("[data-switch]")) {
    button.setAttribute("aria-checked", String(on[button.dataset.switch]));
  }
  if (state.trouble && state.trouble !== shownTrouble) complain(state.trouble);
  shownTrouble = state.trouble;
}

for (const button of document.querySelectorAll("[data-jump]")) {
  button.addEventListener("click", () => {
    button.disabled = true;
    send("control", { do: button.dataset.jump });
  });
}
for (const button of document.querySelectorAll("[data-switch]")) {
  button.addEventListener("click", () => {
    send("control", { do: button.dataset.switch, on: button.getAttribute("aria-checked") !== "true" });
  });
}

function showGuide(open) {
  byId("guide").hidden = !open;
  byId("ask-guide").setAttribute("aria-expanded", String(open));
}

function remember(open) {
  showGuide(open);
  try { localStorage.setItem("zhibu-guide", open ? "open" : "closed"); } catch { /* a browser without storage shows it again */ }
}

byId("close-guide").addEventListener("click", () => remember(false));
byId("ask-guide").addEventListener("click", () => remember(byId("guide").hidden));
try { showGuide(localStorage.getItem("zhibu-guide") !== "closed"); } catch { showGuide(true); }

// Tabs: on a narrow screen one phone at a time

function choose(userid, focus = false) {
  chosen = userid;
  unread.set(userid, 0);
  for (const [id, phone] of phones) phone.node.classList.toggle("current", id === userid);
  for (const tab of byId("tabs").children) {
    const mine = tab.dataset.who === userid;
    tab.setAttribute("aria-selected", String(mine));
    tab.tabIndex = mine ? 0 : -1;
    if (mine && focus) tab.focus();
  }
  phones.get(userid).toEnd();
  showUnread();
}

function showUnread() {
  for (const tab of byId("tabs").children) {
    const count = unread.get(tab.dataset.who) || 0;
    const badge = tab.querySelector(".badge");
    badge.hidden = !count;
    badge.textContent = count > 99 ? "99+" : String(count);
    badge.setAttribute("aria-label", `${count} 条新消息`);
  }
}

function neighbour(step) {
  const order = [...phones.keys()];
  return order[(order.indexOf(chosen) + step + order.length) % order.length];
}

byId("tabs").addEventListener("keydown", (event) => {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (step) choose(neighbour(step), true);
});

let touch = null;
byId("phones").addEventListener("touchstart", (event) => {
  // A swipe over the row of words scrolls that row.
  touch = event.target.closest(".hints, input") ? null : event.changedTouches[0];
}, { passive: true });
byId("phones").addEventListener("touchend", (event) => {
  if (!touch || byId("tabs").offsetParent === null) return;
  const end = event.changedTouches[0];
  const [x, y] = [end.clientX - touch.clientX, end.clientY - touch.clientY];
  if (Math.abs(x) > 70 && Math.abs(x) > 2 * Math.abs(y)) choose(neighbour(x < 0 ? 1 : -1));
}, { passive: true });

function build(people) {
  phones.clear();
  for (const [index, person] of people.entries()) {
    phones.set(person.userid, new Phone(person, index, { base, send, complain }));
  }
  byId("phones").replaceChildren(...[...phones.values()].map((phone) => phone.node));
  byId("tabs").replaceChildren(...people.map((person) => {
    const tab = make("button", "", person.name);
    tab.type = "button";
    tab.dataset.who = person.userid;
    tab.setAttribute("role", "tab");
    tab.setAttribute("aria-controls", `phone-${person.userid}`);
    tab.append(make("span", "badge"));
    tab.addEventListener("click", () => choose(person.userid));
    return tab;
  }));
  choose(people[0].userid);
}

// Staying in step

function take(state) {
  if (run && run !== state.run) return void location.reload();
  run = state.run;
  const first = !phones.size;
  if (first) build(state.people);
  for (const person of state.people) phones.get(person.userid)?.update(person, state.mode, state.menu);
  for (const bubble of state.bubbles) {
    const phone = phones.get(bubble.userid);
    if (!first && bubble.side === "bot" && !phone.bubbles.has(bubble.id) && bubble.userid !== chosen) {
      unread.set(bubble.userid, (unread.get(bubble.userid) || 0) + 1);
    }
    phone.put(bubble);
  }
  if (state.bubbles.length) showUnread();
  rev = state.rev;
  showControls(state);
  return undefined;
}

async function poll() {
  if (asking) return void soon(60);
  asking = true;
  let wait = document.hidden ? 5000 : Date.now() < hurryUntil ? 180 : 800;
  try {
    const answer = await fetch(`${base}state?since=${rev}`);
    if (!answer.ok) throw new Error(String(answer.status));
    take(await answer.json());
  } catch {
    wait = 2000;
    if (phones.size) complain("连不上演示程序，正在重试…");
  }
  asking = false;
  soon(wait);
  return undefined;
}

function soon(wait) {
  clearTimeout(timer);
  timer = setTimeout(poll, wait);
}

document.addEventListener("visibilitychange", () => { if (!document.hidden) soon(0); });
poll();
