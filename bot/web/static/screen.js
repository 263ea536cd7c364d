// Shows the word of the minute, how long it holds, and how many have checked in.
const body = document.body;
const byId = (id) => document.getElementById(id);
let seconds = 0;

async function refresh() {
  try {
    const answer = await fetch(body.dataset.state, { cache: "no-store" });
    if (!answer.ok) throw new Error(answer.status);
    show(await answer.json());
  } catch {
    byId("say").textContent = "网络断开，正在重试……";
    seconds = 5;
  }
}

function show(state) {
  const word = byId("word");
  word.textContent = state.word || "还没有到签到时间，或活动已结束";
  word.classList.toggle("none", !state.word);
  byId("say").textContent = state.word ? "在手机里发送：签到 + 上面的口令" : "";
  byId("here").textContent = state.here;
  byId("invited").textContent = state.invited;
  const code = byId("code");
  code.hidden = !state.word;
  if (state.word && code.dataset.word !== state.word) {
    code.dataset.word = state.word;
    code.src = `${body.dataset.code}&w=${encodeURIComponent(state.word)}`;
  }
  seconds = state.seconds;
  byId("left").value = seconds;
}

setInterval(() => {
  seconds -= 1;
  byId("left").value = Math.max(seconds, 0);
  if (seconds <= 0 || seconds % 5 === 0) refresh();
}, 1000);
refresh();
