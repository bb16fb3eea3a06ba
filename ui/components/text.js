// How both token components put text on the page: textContent and text nodes only, so nothing in it can act.

const HIDDEN = /[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f-\u009f\u00ad\u061c\u115f\u1160\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f\u3164\ufeff\ufff9-\ufffc\u{e0000}-\u{e007f}]/u;

function el(tag, cls, text) {
  const node = document.createElement(tag);
  if (cls) node.className = cls;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Fill a node with a token's text: line breaks kept and marked, tabs marked, invisible characters spelled out.
function write(node, text) {
  let plain = "";
  const flush = () => { if (plain) { node.appendChild(document.createTextNode(plain)); plain = ""; } };
  for (const ch of text.replace(/\r\n/g, "\n")) {
    if (ch === "\n" || ch === "\r") {
      flush();
      node.append(el("span", "g", "↵"), document.createElement("br"));
    } else if (ch === "\t") {
      flush();
      node.append(el("span", "g", "⇥"), document.createTextNode("\t"));
    } else if (HIDDEN.test(ch)) {
      flush();
      node.append(el("span", "esc", "U+" + ch.codePointAt(0).toString(16).toUpperCase().padStart(4, "0")));
    } else plain += ch;
  }
  flush();
}

// One-line name of a token for the readout and for screen readers.
function spell(text) {
  let out = "";
  for (const ch of text) {
    if (ch === "\n") out += "↵";
    else if (ch === "\t") out += "⇥";
    else if (ch === " ") out += out === "" || out.endsWith("·") ? "·" : " ";
    else if (HIDDEN.test(ch)) out += "U+" + ch.codePointAt(0).toString(16).toUpperCase().padStart(4, "0");
    else out += ch;
  }
  return out || "(empty)";
}

