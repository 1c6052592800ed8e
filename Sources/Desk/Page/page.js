"use strict";
// What stands at the counter comes as server-sent events; nothing of it is kept here once it is over.
const texts = {
  ja: {
    title: "図書館受付", idle: "カードをお待ちしています", known: "登録済みの利用者です", elsewhere: "他館で登録済みです",
    unknown: "未登録です。今すぐ登録できます", offline: "受信プログラムとの接続が切れました",
    connected: "接続中", connecting: "接続しています…", other: "English", from: (kiosk) => `端末：${kiosk}`, belongs: (library) => `（登録館：${library}）`,
    register: "この利用者を登録する", cardNumber: "図書館カード番号", displayName: "表示名", notes: "メモ",
    save: "登録する", cancel: "やめる", gone: "利用者の表示は終わりました。もう一度カードをかざしてもらってください。",
    failed: "登録できませんでした。もう一度試してください。", next: "次の利用者がカードをかざしました",
    systemValid: "図書館システム：有効", systemInvalid: "図書館システム：無効", systemFailed: "図書館システムに問い合わせできません",
  },
  en: {
    title: "Library desk", idle: "Waiting for a card", known: "Registered patron", elsewhere: "Registered at another library",
    unknown: "Not registered here: register now", offline: "The connection to the receiver is lost",
    connected: "Connected", connecting: "Connecting…", other: "日本語", from: (kiosk) => `Kiosk: ${kiosk}`, belongs: (library) => ` (${library})`,
    register: "Register this patron", cardNumber: "Library card number", displayName: "Display name", notes: "Notes",
    save: "Register", cancel: "Cancel", gone: "The patron is no longer shown. Ask for the card again.",
    failed: "It was not stored. Please try again.", next: "The next patron has presented a card",
    systemValid: "Library system: valid", systemInvalid: "Library system: not valid",
    systemFailed: "The library system does not answer",
  },
};
const marks = { idle: "", known: "✓", elsewhere: "⇄", unknown: "＋", offline: "!" };
const $ = (id) => document.getElementById(id);
const form = $("registration");
let language = new URLSearchParams(location.search).get("lang") === "en" ? "en" : "ja";
let current = null;      // what the desk says is there
let editing = null;      // the number of whom staff is registering
let isConnected = null;

function draw() {
  const text = texts[language];
  document.documentElement.lang = language;
  document.title = text.title;
  $("language").textContent = text.other;
  $("language").lang = language === "ja" ? "en" : "ja";
  const link = isConnected === null ? text.connecting : isConnected ? text.connected : text.offline;
  if ($("link").textContent !== link) $("link").textContent = link;
  for (const element of document.querySelectorAll("[data-text]")) element.textContent = text[element.dataset.text];
  $("registration-title").textContent = text.register;
  $("next").textContent = editing !== null && current && current.number !== editing ? text.next : "";
  // Staff who is writing keeps whom they are writing about.
  if (editing !== null && isConnected) return;
  const standing = isConnected === false ? "offline" : current ? current.standing : "idle";
  $("card").dataset.standing = standing;
  $("mark").textContent = marks[standing];
  $("standing").textContent = text[standing] + (standing === "elsewhere" ? text.belongs(current.elsewhere) : "");
  const shown = isConnected === false ? null : current;
  $("name").textContent = shown?.name ?? "";
  $("number").textContent = shown?.card ?? "";
  $("notes").textContent = shown?.notes ?? "";
  $("kiosk").textContent = shown ? text.from(shown.kiosk) : "";
  $("system").textContent = !shown?.system ? "" : shown.system.failed ? text.systemFailed
    : [shown.system.valid ? text.systemValid : text.systemInvalid, shown.system.name, shown.system.message]
      .filter(Boolean).join(" · ");
  form.hidden = standing !== "unknown";
  if (!form.hidden && shown.card && !form.card_number.value) form.card_number.value = shown.card;
}

function leaveForm() {
  editing = null;
  form.reset();
  $("problem").textContent = "";
  draw();
}

const post = (path, body) => fetch(path, {
  method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body),
});

form.addEventListener("input", () => {
  if (editing !== null || !current) return;
  editing = current.number;
  post("/hold", { number: editing });
});
form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const number = editing ?? current?.number;
  if (number === undefined) return;
  const answer = await post("/register", {
    number, card_number: form.card_number.value, display_name: form.display_name.value, notes: form.notes.value,
  }).catch(() => null);
  if (answer?.ok) leaveForm();
  else $("problem").textContent = texts[language][answer?.status === 404 ? "gone" : "failed"];
});
$("cancel").addEventListener("click", leaveForm);
document.addEventListener("keydown", (event) => { if (event.key === "Escape") leaveForm(); });
$("language").addEventListener("click", () => { language = language === "ja" ? "en" : "ja"; draw(); });

const stream = new EventSource("/stream");
stream.onopen = () => { isConnected = true; draw(); };
stream.onerror = () => { isConnected = false; current = null; draw(); };
stream.onmessage = (event) => {
  const before = current?.number;
  current = JSON.parse(event.data);
  if (editing === null && current?.number !== before) form.reset();
  draw();
};
draw();
