// One phone: keeps its thread in step with the server's bubbles and sends what its owner does.
import { draw, make } from "./bubbles.js";
import { fromFile, painted } from "./pictures.js";

const GAP = 5 * 60 * 1000;

export class Phone {
  constructor(person, index, { base, send, complain }) {
    this.person = person;
    this.send = send;
    this.complain = complain;
    this.tint = `t${index % 4}`;
    this.base = base;
    this.bubbles = new Map();
    this.following = true;
    this.rows = new Map();
    this.node = document.getElementById("phone-template").content.firstElementChild.cloneNode(true);
    this.find = (selector) => this.node.querySelector(selector);
    this.thread = this.find(".thread");
    this.input = this.find(".keyboard input");
    this.name();
    this.listen();
  }

  name() {
    const { name, userid } = this.person;
    this.node.id = `phone-${userid}`;
    this.node.setAttribute("aria-label", `${name}的手机`);
    this.thread.setAttribute("aria-label", `${name}的聊天记录`);
    this.find("h2").textContent = name;
    this.find(".face").textContent = name.slice(0, 1);
    this.find(".face").classList.add(this.tint);
    this.find(".keyboard .unseen").textContent = `以${name}的身份发消息`;
  }

  listen() {
    this.find(".keyboard").addEventListener("submit", (event) => {
      event.preventDefault();
      this.say(this.input.value);
    });
    const [add, pictures] = [this.find(".add"), this.find(".pictures")];
    add.addEventListener("click", () => this.showPictures(pictures.hidden));
    for (const one of pictures.querySelectorAll("[data-picture]")) {
      one.addEventListener("click", () => this.sendPicture(painted(one.dataset.picture)));
    }
    const file = this.find(".file input");
    file.addEventListener("change", async () => {
      if (file.files[0]) await fromFile(file.files[0]).then((data) => this.sendPicture(data), (error) => this.complain(error.message));
      file.value = "";
    });
    const newer = this.find(".newer");
    newer.addEventListener("click", () => this.toEnd());
    this.thread.addEventListener("scroll", () => {
      this.following = this.atEnd();
      if (this.following) newer.hidden = true;
    });
    // The keyboard of a real phone, or a closed guide, changes the height: stay at the newest bubble.
    new ResizeObserver(() => { if (this.following) this.toEnd(); }).observe(this.thread);
    document.addEventListener("click", (event) => { if (!event.target.closest(".menu, .add, .pictures")) this.closeAll(); });
    this.node.addEventListener("keydown", (event) => { if (event.key === "Escape") this.closeAll(); });
  }

  async say(text) {
    if (!text.trim()) return this.input.focus();
    this.input.value = "";
    const sent = await this.send("say", { who: this.person.userid, text });
    if (!sent && !this.input.value) this.input.value = text;
    this.toEnd();
    return undefined;
  }

  sendPicture(data) {
    this.showPictures(false);
    return this.send("image", { who: this.person.userid, data });
  }

  showPictures(open) {
    this.find(".pictures").hidden = !open;
    this.find(".add").setAttribute("aria-expanded", String(open));
  }

  closeAll() {
    this.showPictures(false);
    for (const one of this.node.querySelectorAll(".below")) one.hidden = true;
    for (const one of this.node.querySelectorAll(".menu [aria-expanded]")) one.setAttribute("aria-expanded", "false");
  }

  // What the server says

  update(person, mode, menu) {
    this.person = person;
    const oa = mode === "oa";
    const channel = this.find(".channel");
    channel.textContent = oa ? "公众号" : "企业微信";
    channel.classList.toggle("oa", oa);
    this.find(".sub").textContent = oa ? person.window : person.title;
    if (this.mode !== mode) {
      this.mode = mode;
      this.redraw();
    }
    this.offer(person.hints);
    this.serve(menu);
  }

  offer(words) {
    if (this.offered === words.join("\n")) return;
    this.offered = words.join("\n");
    this.find(".hints").replaceChildren(...words.map((word) => {
      const chip = make("button", word.endsWith(" ") ? "starts" : "", word.trim());
      chip.type = "button";
      chip.title = word;
      chip.addEventListener("click", () => this.hint(word));
      return chip;
    }));
  }

  hint(word) {
    if (!word.endsWith(" ")) return this.say(word);
    this.input.value = word;
    return this.input.focus();
  }

  serve(menu) {
    const words = JSON.stringify(menu);
    if (this.served === words) return;
    this.served = words;
    const bar = this.find(".menu");
    bar.hidden = !menu.length;
    bar.replaceChildren(...menu.map((button) => this.menuButton(button)));
  }

  menuButton(button) {
    const place = make("div");
    const node = make("button", "", button.name);
    node.type = "button";
    place.append(node);
    if (!button.sub_button?.length) {
      node.addEventListener("click", () => this.tap(button));
      return place;
    }
    const below = make("div", "below");
    below.hidden = true;
    node.setAttribute("aria-expanded", "false");
    node.addEventListener("click", () => {
      const open = below.hidden;
      this.closeAll();
      below.hidden = !open;
      node.setAttribute("aria-expanded", String(open));
    });
    for (const one of button.sub_button) {
      const choice = make("button", "", one.name);
      choice.type = "button";
      choice.addEventListener("click", () => { this.closeAll(); node.focus(); this.tap(one); });
      below.append(choice);
    }
    place.append(below);
    return place;
  }

  tap(button) {
    if (button.type === "view") return void window.open(button.url, "_blank", "noopener");
    const order = { who: this.person.userid, key: button.key };
    if (String(button.type).startsWith("scancode")) {
      order.scanned = this.input.value.trim();
      if (!order.scanned) {
        this.complain("请先把二维码里的内容写在输入框里，再点「扫码」");
        return void this.input.focus();
      }
      this.input.value = "";
    }
    return void this.send("menu", order);
  }

  // The thread

  put(bubble) {
    const known = this.bubbles.get(bubble.id);
    this.bubbles.set(bubble.id, bubble);
    if (bubble.channel !== this.mode) return;
    const old = this.rows.get(bubble.id);
    const row = this.row(bubble);
    this.rows.set(bubble.id, row);
    if (old) return void old.replaceWith(row);
    const follow = this.atEnd() || bubble.side === "me";
    this.stamp(bubble);
    row.classList.add("fresh");
    this.thread.append(row);
    if (follow) this.toEnd();
    else if (!known) this.find(".newer").hidden = false;
  }

  row(bubble) {
    const act = {
      press: (number, key, chosen) => this.send("press", { who: this.person.userid, bubble: number, key, chosen }),
      complain: this.complain,
    };
    const row = draw(bubble, { base: this.base, me: this.person.name.slice(0, 1), tint: this.tint, act });
    row.dataset.id = bubble.id;
    const follow = this.atEnd() || bubble.side === "me";
    for (const image of row.querySelectorAll("img")) image.addEventListener("load", () => { if (follow) this.toEnd(); });
    return row;
  }

  redraw() {
    this.rows.clear();
    this.last = undefined;
    const mine = [...this.bubbles.values()].filter((one) => one.channel === this.mode);
    if (this.empty === undefined) this.empty = this.find(".empty");
    this.thread.replaceChildren(...(mine.length ? [] : [this.empty]));
    for (const one of mine) {
      this.stamp(one);
      this.rows.set(one.id, this.row(one));
      this.thread.append(this.rows.get(one.id));
    }
    this.toEnd();
  }

  stamp(bubble) {
    this.thread.querySelector(".empty")?.remove();
    const at = Date.parse(bubble.at);
    if (this.last === undefined || at - this.last > GAP) {
      const day = `${Number(bubble.at.slice(5, 7))}月${Number(bubble.at.slice(8, 10))}日`;
      this.thread.append(make("p", "stamp", `${day} ${bubble.at.slice(11, 16)}`));
    }
    this.last = at;
  }

  atEnd() {
    return this.thread.scrollHeight - this.thread.scrollTop - this.thread.clientHeight < 60;
  }

  toEnd() {
    this.thread.scrollTop = this.thread.scrollHeight;
    this.find(".newer").hidden = true;
  }
}
