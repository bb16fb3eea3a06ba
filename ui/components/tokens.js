// One completion, token by token, with the five likeliest next tokens on hover. Grows in place while it streams.

const views = new WeakMap();

function percent(p) {
  if (p >= 0.9995) return "100 %";
  return p >= 0.001 ? (100 * p).toFixed(1) + " %" : "<0.1 %";
}

function fill(span, token, i) {
  span.replaceChildren();
  span.className = "t" + (token.top.length ? " top" : "") + (token.changed ? " changed" : "");
  span.dataset.i = i;
  span.tabIndex = -1;
  write(span, token.text);
}

function same(a, b) {
  return a && a.text === b.text && a.changed === b.changed && a.top.length === b.top.length;
}

function make(root) {
  const text = el("p", "text");
  text.dir = "auto";
  const caret = el("span", "caret");
  caret.setAttribute("aria-hidden", "true");
  const wait = el("span", "wait");
  const pop = el("div", "pop");
  pop.setAttribute("role", "tooltip");
  if (pop.showPopover) pop.setAttribute("popover", "manual");
  text.append(wait, caret);
  root.replaceChildren(text, pop);

  const view = { tokens: [], spans: [], text, caret, wait, pop, current: null };
  const of = (event) => event.target.closest?.(".t.top") ?? null;

  view.hide = () => { if (pop.showPopover && pop.matches(":popover-open")) pop.hidePopover(); };
  view.show = (span) => {
    const token = view.tokens[span.dataset.i];
    if (!token || !pop.showPopover) return;
    const table = document.createElement("table");
    const caption = document.createElement("caption");
    caption.textContent = "Likeliest here";
    table.append(caption);
    let seen = false;
    for (const [name, p] of token.top) {
      const row = document.createElement("tr");
      const chosen = !seen && name === token.text;
      if (chosen) { seen = true; row.className = "chosen"; }
      const bar = el("td", "bar");
      const line = document.createElement("span");
      line.style.width = Math.max(0, Math.min(1, p)) * 100 + "%";
      bar.append(line);
      row.append(el("td", "tok", (chosen ? "▸" : " ") + spell(name)), bar, el("td", "p", percent(p)));
      table.append(row);
    }
    pop.replaceChildren(table);
    if (!seen) pop.append(el("div", "none", `Taken: ${spell(token.text)}, not among these`));
    if (!pop.matches(":popover-open")) pop.showPopover();
    const box = span.getClientRects()[0];
    if (!box) { view.hide(); return; }
    const mine = pop.getBoundingClientRect();
    const below = box.bottom + 6;
    pop.style.left = Math.min(window.innerWidth - mine.width - 6, Math.max(6, box.left)) + "px";
    pop.style.top = (below + mine.height > window.innerHeight - 6 ? Math.max(6, box.top - mine.height - 6) : below) + "px";
  };

  const focusable = (span) => {
    if (view.current) view.current.tabIndex = -1;
    view.current = span;
    if (span) span.tabIndex = 0;
  };
  view.focusable = focusable;

  text.onpointerover = (event) => { const span = of(event); if (span) view.show(span); };
  text.onpointerout = (event) => { if (of(event)) view.hide(); };
  text.addEventListener("focusin", (event) => { const span = of(event); if (span) { focusable(span); view.show(span); } });
  text.addEventListener("focusout", () => view.hide());
  text.onclick = (event) => { const span = of(event); if (span && window.getSelection().isCollapsed) span.focus({ preventScroll: true }); };
  text.onkeydown = (event) => {
    const span = of(event);
    if (!span) return;
    if (event.key === "Escape") { view.hide(); return; }
    const step = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    let i = +span.dataset.i + step;
    while (view.spans[i] && !view.spans[i].classList.contains("top")) i += step;
    if (view.spans[i]) view.spans[i].focus();
  };
  return view;
}

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".cv");
  let view = views.get(root);
  if (!view) { view = make(root); views.set(root, view); }

  root.style.setProperty("--c", data.colour);
  root.setAttribute("aria-label", data.label);
  root.setAttribute("aria-busy", data.streaming ? "true" : "false");

  data.tokens.forEach((token, i) => {
    if (view.spans[i] && same(view.tokens[i], token)) return;
    const span = view.spans[i] ?? document.createElement("span");
    fill(span, token, i);
    if (!view.spans[i]) {
      view.spans.push(span);
      view.text.insertBefore(span, view.caret);
    }
  });
  for (const span of view.spans.splice(data.tokens.length)) span.remove();
  view.tokens = data.tokens;
  view.wait.textContent = data.tokens.length ? "" : data.placeholder;
  view.caret.style.display = data.streaming ? "" : "none";
  if (!view.current || !view.current.isConnected) view.focusable(view.text.querySelector(".t.top"));
  return () => view.hide();
}
