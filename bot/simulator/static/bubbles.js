// Draws one bubble. Whatever people or the bot wrote is only ever put in as text, never as markup.

export function make(tag, name, text) {
  const node = document.createElement(tag);
  if (name) node.className = name;
  if (text !== undefined) node.textContent = text;
  return node;
}

function safe(url) {
  return /^https?:\/\//i.test(url || "") ? url : "";
}

function link(url, name, text) {
  const node = make("a", name, text);
  node.href = url;
  node.target = "_blank";
  node.rel = "noopener noreferrer";
  return node;
}

function withLinks(node, text) {
  for (const part of text.split(/(https?:\/\/[^\s<>"'，。；！？、）】」》]+)/)) {
    node.append(safe(part) ? link(part, "", part) : part);
  }
  return node;
}

export function face(name, tint) {
  const node = make("span", `face ${tint}`, name);
  node.setAttribute("aria-hidden", "true");
  return node;
}

function picture(bubble, base) {
  const node = make("div", "bubble picture");
  const image = make("img");
  image.src = `${base}media/${encodeURIComponent(bubble.media)}`;
  image.alt = bubble.side === "me" ? "发出的图片" : "收到的图片";
  node.append(image);
  return node;
}

function news(bubble) {
  const node = make("div", "card");
  for (const one of bubble.articles) {
    const row = safe(one.url) ? link(one.url, "article") : make("div", "article inside");
    const words = make("div");
    words.append(make("h3", "", one.title));
    if (one.description) words.append(make("p", "", one.description));
    row.append(words);
    if (safe(one.picurl)) {
      const image = make("img");
      image.src = one.picurl;
      image.alt = "";
      row.append(image);
    }
    node.append(row);
  }
  if (bubble.articles.some((one) => safe(one.url))) node.append(make("p", "open", "查看详情 ›"));
  return node;
}

function options(card, group, dead) {
  const box = make("fieldset");
  const legend = make("legend", "unseen", "选项");
  box.append(legend);
  const chosen = new Set(card.chosen || []);
  for (const one of card.checkbox.option_list || []) {
    const row = make("label", "option");
    const tick = make("input");
    tick.type = Number(card.checkbox.mode) === 1 ? "checkbox" : "radio";
    tick.name = group;
    tick.value = one.id;
    tick.checked = chosen.has(one.id) || (!chosen.size && [true, "true"].includes(one.is_checked));
    tick.disabled = dead;
    row.append(tick, make("span", "", one.text));
    box.append(row);
  }
  return box;
}

function buttons(bubble, press) {
  const card = bubble.card;
  const row = make("div", "buttons");
  if (card.replaced) {
    row.append(make("span", "dead", card.replaced));
    return row;
  }
  for (const one of [...(card.button_list || []), ...(card.submit_button ? [card.submit_button] : [])]) {
    const style = { 1: "primary", 2: "danger" }[one.style] || "";
    const node = make("button", style, one.text);
    node.type = "button";
    node.dataset.key = one.key || "";
    node.addEventListener("click", () => press(one, row.parentElement));
    row.append(node);
  }
  return row;
}

function value(line) {
  const node = make("dd", "", Number(line.type) === 1 && safe(line.url) ? "" : line.value);
  if (node.textContent) return node;
  const link = make("a", "", line.value);
  Object.assign(link, { href: line.url, target: "_blank", rel: "noopener" });
  node.append(link);
  return node;
}

function card(bubble, act) {
  const data = bubble.card;
  const node = make("div", "card");
  const inside = make("div", "inside");
  if (data.source?.desc) inside.append(make("p", "source", data.source.desc));
  if (data.main_title?.title) inside.append(make("h3", "", data.main_title.title));
  if (data.main_title?.desc) inside.append(make("p", "", data.main_title.desc));
  if (data.sub_title_text) inside.append(make("p", "", data.sub_title_text));
  if (data.quote_area?.quote_text) inside.append(make("p", "", `「${data.quote_area.quote_text}」`));
  if (data.horizontal_content_list?.length) {
    const list = make("dl");
    for (const one of data.horizontal_content_list) list.append(make("dt", "", one.keyname), value(one));
    inside.append(list);
  }
  node.append(inside);
  const dead = Boolean(data.replaced) || !bubble.keys.length;
  if (data.checkbox?.option_list) node.append(options(data, `options-${bubble.id}`, dead));
  const row = buttons(bubble, (button, within) => {
    if (Number(button.type) === 1 && safe(button.url)) return void window.open(button.url, "_blank", "noopener");
    const chosen = [...within.querySelectorAll("input:checked")].map((tick) => tick.value);
    if (data.checkbox && !chosen.length) return void act.complain("请先选一项");
    for (const one of within.querySelectorAll("button, input")) one.disabled = true;
    act.press(bubble.id, button.key, chosen).finally(() => {
      for (const one of within.querySelectorAll("button, input")) one.disabled = false;
    });
  });
  if (row.children.length) node.append(row);
  for (const one of data.jump_list || []) {
    if (safe(one.url)) node.append(link(one.url, "open", `${one.title} ›`));
  }
  return node;
}

function inner(bubble, base, act) {
  if (bubble.kind === "image" && bubble.media) return picture(bubble, base);
  if (bubble.kind === "news") return news(bubble);
  if (bubble.kind === "card") return card(bubble, act);
  const node = make("div", "bubble");
  if (bubble.pushed) node.append(make("span", "pushed", "主动推送"));
  return withLinks(node, bubble.text);
}

export function draw(bubble, { base, me, tint, act }) {
  if (bubble.side === "note") return make("p", "note", bubble.text);
  if (bubble.recalled) return make("p", "note", "支部通撤回了一条消息");
  const row = make("div", `row ${bubble.side}`);
  const mine = bubble.side === "me";
  row.append(mine ? face(me, tint) : face("支", "bot"), inner(bubble, base, act));
  const speaker = make("span", "unseen", mine ? "我说：" : "支部通说：");
  row.prepend(speaker);
  return row;
}
