// Token heatmap. Text reaches the page through textContent only, so nothing in it can act.
// The rows are built once per data.sig; later calls (reruns, theme switches) find them as they are.

const built = new WeakMap();

function rgb(hex) {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)).join(", ");
}

function build(root, data) {
  root.replaceChildren();
  root.style.setProperty("--c", data.colour);
  root.setAttribute("aria-label", data.label);
  const colour = rgb(data.colour);

  const bar = el("div", "bar");
  const readout = el("div", "readout");
  readout.setAttribute("role", "status");
  const legend = el("div", "legend");
  const ramp = el("span", "ramp");
  ramp.style.background = `linear-gradient(90deg, transparent, rgba(${colour}, ${data.tint}))`;
  legend.append("0", ramp, data.max_text);
  legend.setAttribute("aria-hidden", "true");
  bar.append(readout, legend);

  const list = el("ol", "rows");
  const tip = el("div", "tip");
  if (tip.showPopover) tip.setAttribute("popover", "manual");
  else tip.hidden = true;

  data.rows.forEach((row, r) => {
    const item = el("li", "row");
    const meta = el("div", "meta");
    meta.append(el("span", "chip " + row.label, row.label));
    if (row.score_text) {
      const score = el("div", "score", row.score_text);
      const track = el("span", "track");
      const fill = el("span", "fill");
      fill.style.width = Math.round(row.score_share * 100) + "%";
      track.append(fill);
      meta.append(score, track);
    }
    if (row.title) meta.append(el("div", "title", row.title));
    const text = el("p", "text");
    text.dir = "auto";
    if (row.cut_before) text.append(el("span", "cut", "… "));
    row.tokens.forEach((token, t) => {
      const span = el("span", "t");
      const value = row.values[t];
      const share = data.max_value > 0 ? Math.min(1, Math.max(0, value / data.max_value)) : 0;
      if (share > 0) span.style.backgroundColor = `rgba(${colour}, ${(share * data.tint).toFixed(3)})`;
      if (token.startsWith(" ")) span.classList.add("sp");
      if (t === row.peak) span.classList.add("peak");
      span.dataset.r = r;
      span.dataset.t = t;
      span.tabIndex = -1;
      span.setAttribute("role", "button");
      write(span, token);
      text.append(span);
    });
    if (row.cut_after) text.append(el("span", "cut", " …"));
    item.append(meta, text);
    list.append(item);
  });
  root.append(bar, list, tip);
  if (!data.rows.length) root.append(el("div", "empty", data.empty));
  return { bar, readout, list, tip };
}

function wire(root, parts, data, send) {
  const { readout, list, tip } = parts;
  let selected = null;
  let current = null;

  const spanAt = (r, t) => list.children[r]?.querySelector(`.t[data-t="${t}"]`) ?? null;
  const of = (event) => event.target.closest?.(".t") ?? null;
  const facts = (span) => {
    const row = data.rows[span.dataset.r];
    const value = row.values[span.dataset.t];
    return { row, value, number: value.toFixed(data.digits), token: row.tokens[span.dataset.t], r: +span.dataset.r, t: +span.dataset.t };
  };

  function say(span) {
    readout.replaceChildren();
    if (!span) {
      readout.append(el("span", "dim", data.hint));
      return;
    }
    const f = facts(span);
    const share = data.max_value > 0 ? Math.round((100 * f.value) / data.max_value) : 0;
    readout.append(
      el("span", "tok", spell(f.token)), el("span", "num", f.number),
      el("span", "dim", `${share} % of the largest · example ${f.r + 1}, token ${f.t + f.row.offset + 1}`),
    );
  }

  function showTip(span) {
    if (!tip.showPopover) return;
    if (!span) { if (tip.matches(":popover-open")) tip.hidePopover(); return; }
    tip.textContent = facts(span).number;
    if (!tip.matches(":popover-open")) tip.showPopover();
    const box = span.getClientRects()[0];
    if (!box) { tip.hidePopover(); return; }
    const mine = tip.getBoundingClientRect();
    const x = Math.min(window.innerWidth - mine.width - 4, Math.max(4, box.left + box.width / 2 - mine.width / 2));
    const y = box.top - mine.height - 3 < 4 ? box.bottom + 3 : box.top - mine.height - 3;
    tip.style.left = x + "px";
    tip.style.top = y + "px";
  }

  function focusable(span) {
    if (current) current.tabIndex = -1;
    current = span;
    if (current) current.tabIndex = 0;
  }

  function select(span) {
    const same = span && span === selected;
    if (selected) selected.setAttribute("aria-pressed", "false");
    selected = same ? null : span;
    if (selected) selected.setAttribute("aria-pressed", "true");
    send(selected ? { row: +selected.dataset.r, token: +selected.dataset.t, sig: data.sig } : null);
  }

  function move(span, key, whole) {
    const row = +span.dataset.r;
    const tokens = span.parentElement.querySelectorAll(".t");
    const i = [...tokens].indexOf(span);
    if (key === "ArrowRight") return tokens[i + 1] ?? spanAt(row + 1, 0);
    if (key === "ArrowLeft") {
      if (i > 0) return tokens[i - 1];
      const before = list.children[row - 1]?.querySelectorAll(".t");
      return before?.[before.length - 1] ?? null;
    }
    if (key === "Home") return whole ? spanAt(0, 0) : tokens[0];
    if (key === "End") return tokens[tokens.length - 1];
    const next = list.children[row + (key === "ArrowDown" ? 1 : -1)];
    // To another row: to what matters there, its strongest token.
    return next?.querySelector(".t.peak") ?? next?.querySelector(".t") ?? null;
  }

  list.onpointerover = (event) => { const span = of(event); if (span) { say(span); showTip(span); } };
  list.onpointerout = (event) => { if (of(event)) { showTip(null); say(root.getRootNode().activeElement?.closest?.(".t") ?? selected); } };
  list.addEventListener("focusin", (event) => { const span = of(event); if (span) { focusable(span); say(span); showTip(span); } });
  list.addEventListener("focusout", () => { showTip(null); say(selected); });
  list.onclick = (event) => { const span = of(event); if (span && window.getSelection().isCollapsed) { span.focus({ preventScroll: true }); select(span); } };
  list.onkeydown = (event) => {
    const span = of(event);
    if (!span) return;
    if (event.key === "Enter" || event.key === " ") { event.preventDefault(); select(span); return; }
    if (event.key === "Escape") { if (selected) select(selected); return; }
    if (!["ArrowLeft", "ArrowRight", "ArrowUp", "ArrowDown", "Home", "End"].includes(event.key)) return;
    event.preventDefault();
    const next = move(span, event.key, event.ctrlKey || event.metaKey);
    if (next) { next.focus(); next.scrollIntoView({ block: "nearest" }); }
  };

  focusable(list.querySelector(".t.peak") ?? list.querySelector(".t"));
  say(null);
  return () => showTip(null);
}

export default function ({ data, parentElement, setStateValue }) {
  const root = parentElement.querySelector(".hm");
  const before = built.get(root);
  if (!before || before.sig !== data.sig) {
    const handle = { sig: data.sig, send: null };
    handle.hide = wire(root, build(root, data), data, (value) => handle.send(value));
    built.set(root, handle);
  }
  const handle = built.get(root);
  handle.send = (value) => setStateValue("selected", value);
  return () => handle.hide();
}
