// The desk's own script: keyboard, selection, and polling that leaves alone what did not change. Everything works without it.
"use strict";
(() => {
  const all = (selector, root = document) => Array.from(root.querySelectorAll(selector));
  const one = (selector) => document.querySelector(selector);
  const typing = (target) => target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName) && !/^(checkbox|radio|button|submit)$/.test(target.type);

  // ── the cursor row ──────────────────────────────────────────────────────────────────────────────────────────────
  let cursor = null; // id of the row, so that it survives a swap
  const rows = () => all("table.queue tbody tr[id]");
  const point = (row) => {
    rows().forEach((other) => other.classList.toggle("cursor", other === row));
    cursor = row ? row.id : null;
    if (!row) return;
    const link = row.querySelector(".subject a, a");
    if (link) link.focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  };
  const step = (by) => {
    const list = rows();
    if (!list.length) return;
    const at = list.findIndex((row) => row.id === cursor);
    point(list[Math.min(Math.max(at < 0 ? 0 : at + by, 0), list.length - 1)]);
  };
  const here = () => (cursor ? document.getElementById(cursor) : null);

  // ── selection ───────────────────────────────────────────────────────────────────────────────────────────────────
  const boxes = () => all('input[type="checkbox"][name="ticket"]');
  const count = () => {
    const chosen = boxes().filter((box) => box.checked).length;
    const label = one("[data-selected]");
    if (label) label.textContent = chosen ? `${chosen} selected` : "Nothing selected";
    one("[data-bulk]")?.classList.toggle("chosen", chosen > 0);
    const head = one("[data-select-all]");
    if (head) { head.checked = chosen > 0 && chosen === boxes().length; head.indeterminate = chosen > 0 && !head.checked; }
  };
  document.addEventListener("change", (event) => {
    if (event.target.matches("[data-select-all]")) boxes().forEach((box) => { box.checked = event.target.checked; });
    if (event.target.matches('[data-select-all], [name="ticket"]')) count();
    if (event.target.matches("select[data-submits]")) event.target.form.requestSubmit();
  });

  // ── keys: data-key="n" on a link or button, and j k o x on the queue ────────────────────────────────────────────
  const keys = {
    j: () => step(1),
    k: () => step(-1),
    o: () => { const link = here()?.querySelector(".subject a, a"); if (link) link.click(); },
    x: () => { const box = here()?.querySelector('input[type="checkbox"]'); if (box) { box.checked = !box.checked; count(); } },
  };
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && typing(event.target)) { event.target.blur(); return; }
    if (event.ctrlKey && event.key === "Enter" && event.target.form) { event.target.form.requestSubmit(); return; }
    if (event.ctrlKey || event.metaKey || event.altKey || typing(event.target) || document.querySelector("dialog[open]")) return;
    const marked = all("[data-key]").find((element) => element.dataset.key === event.key && element.offsetParent !== null);
    if (marked) {
      event.preventDefault();
      if (marked.matches("input, textarea, select")) marked.focus(); else marked.click();
    } else if (keys[event.key] && rows().length) {
      event.preventDefault();
      keys[event.key]();
    }
  });

  // ── signed out meanwhile: what was being written is there again for the same person, on the same page ────────────
  const DRAFTS = "breakwater-drafts";
  const who = document.body.dataset.who;
  const texts = () => all("main form textarea[name]");
  const formOf = (field) => field.form.getAttribute("action") || "";
  const keepDrafts = () => {
    const drafts = texts().filter((field) => field.value !== field.defaultValue).map((field) => [formOf(field), field.name, field.value]);
    if (drafts.length) sessionStorage.setItem(DRAFTS, JSON.stringify({ who, page: location.pathname, drafts }));
  };
  const giveBackDrafts = () => {
    const kept = JSON.parse(sessionStorage.getItem(DRAFTS) || "null");
    if (!kept || (kept.who === who && kept.page !== location.pathname)) return;
    sessionStorage.removeItem(DRAFTS);
    if (kept.who !== who) return;
    kept.drafts.forEach(([form, name, value]) => {
      const field = texts().find((one) => one.name === name && formOf(one) === form && one.value === one.defaultValue);
      if (!field) return;
      field.value = value;
      const fold = field.closest("details");
      if (fold) fold.open = true;
      const hint = document.createElement("p");
      hint.className = "hint";
      hint.setAttribute("role", "status");
      hint.textContent = "You were signed out. What you had written is here again; it was not sent.";
      field.after(hint);
    });
  };

  // ── what is swapped keeps what its reader did: the focus, and what was unfolded ─────────────────────────────────
  // htmx gives the focus back to what has an id; anything else is told by its kind and where it leads, or what it says.
  const told = (element) => [element.closest("[id]")?.id, element.tagName, element.getAttribute("href") || element.getAttribute("name") || element.textContent.trim()].join(" ");
  const alike = (element) => all(element.tagName).filter((other) => told(other) === told(element));
  const place = (element) => ({ tag: element.tagName, told: told(element), nth: alike(element).indexOf(element) });
  const find = ({ tag, told: words, nth }) => all(tag).filter((other) => told(other) === words)[nth];
  let held = null;
  const hold = (target) => {
    const focus = document.activeElement;
    held = {
      focus: focus && focus !== target && target.contains(focus) && !focus.id ? place(focus) : null,
      open: all("details[open] > summary", target).map(place),
    };
  };
  const giveBack = () => {
    if (!held) return;
    const { focus, open } = held;
    held = null;
    open.forEach((one) => { const summary = find(one); if (summary) summary.parentElement.open = true; });
    if (focus && document.activeElement === document.body) find(focus)?.focus({ preventScroll: true });
  };

  // ── the state bar's figures move all the time: only what is new of the state itself is told to those who listen ────
  const news = () => one("#state")?.dataset.news ?? "";
  let heard = news();
  const tellState = () => {
    if (news() === heard) return;
    heard = news();
    one("#news-of-state").textContent = heard || "No surge and no incident is on.";
  };

  // ── polling ─────────────────────────────────────────────────────────────────────────────────────────────────────
  // The browser turns a 304 into its cached copy; the same words again must not disturb whoever reads them.
  const last = new WeakMap();
  document.addEventListener("htmx:beforeSwap", (event) => {
    const { xhr, target, requestConfig } = event.detail;
    // Signed out meanwhile: the whole page asks to sign in, not the part that polled.
    if (xhr.responseURL.includes("/accounts/login/")) { event.detail.shouldSwap = false; keepDrafts(); location.reload(); return; }
    if (requestConfig.verb !== "get" || !target) return;
    if (last.get(target) === xhr.responseText) event.detail.shouldSwap = false;
    last.set(target, xhr.responseText);
    if (event.detail.shouldSwap) hold(target);
  });
  document.addEventListener("htmx:afterSwap", () => {
    const row = here();
    if (row) row.classList.add("cursor");
    count();
    giveBack();
    tellState();
  });
  // On a phone the rail scrolls: show where we are.
  const rail = one(".rail");
  const current = one(".rail [aria-current]");
  if (rail && current && rail.scrollWidth > rail.clientWidth) rail.scrollLeft = current.offsetLeft - rail.clientWidth / 3;
  document.documentElement.classList.add("scripted");
  count();
  giveBackDrafts();
})();
