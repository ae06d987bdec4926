// Speaks what the simulated caller hears, where the browser can and the reader asks for it, and keeps unfolded what the
// reader has unfolded. The page works without it.
"use strict";
(() => {
  if (!("speechSynthesis" in window)) return;
  const memory = "breakwater-speak";
  let spoken = document.querySelectorAll("[data-say]").length;
  const dress = () => {
    const box = document.getElementById("speak");
    if (!box) return;
    box.closest("label").hidden = false;
    box.checked = sessionStorage.getItem(memory) === "1";
  };
  const speak = () => {
    const lines = Array.from(document.querySelectorAll("[data-say]"));
    if (lines.length < spoken) spoken = 0;
    const fresh = lines.slice(spoken);
    spoken = lines.length;
    if (sessionStorage.getItem(memory) !== "1") return;
    speechSynthesis.cancel();
    fresh.forEach((line) => {
      const utterance = new SpeechSynthesisUtterance(line.textContent);
      utterance.lang = line.lang;
      speechSynthesis.speak(utterance);
    });
    document.querySelector(".transcript li:last-child audio")?.play().catch(() => {});
  };
  document.addEventListener("change", (event) => {
    if (event.target.id !== "speak") return;
    sessionStorage.setItem(memory, event.target.checked ? "1" : "0");
    if (event.target.checked) { spoken = 0; speak(); } else speechSynthesis.cancel();
  });
  // What was unfolded stays so when the call goes on; a call's newest request is told at its end.
  const unfolded = new Set();
  document.addEventListener("toggle", (event) => {
    const name = event.target.dataset?.kept;
    if (name) unfolded[event.target.open ? "add" : "delete"](name);
  }, true);
  const unfold = () => document.querySelectorAll("details[data-kept]").forEach((one) => { one.open = unfolded.has(one.dataset.kept); });
  document.addEventListener("htmx:afterSwap", () => { dress(); unfold(); speak(); document.querySelector(".transcript li:last-child")?.scrollIntoView({ block: "nearest" }); });
  dress();
})();
