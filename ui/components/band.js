// Where the safe factors lie on the slider above: one track in the slider's own width, from 0 to its limit.

export default function ({ data, parentElement }) {
  const root = parentElement.querySelector(".sb");
  const at = (factor) => Math.max(0, Math.min(100, (100 * factor) / data.limit));
  const safe = "color-mix(in srgb, " + data.colour + " 75%, transparent)";
  const [low, high] = [at(data.low), at(data.high)];
  const track = document.createElement("div");
  track.className = "track";
  track.style.background = `linear-gradient(to right, transparent ${low}%, ${safe} ${low}%, ${safe} ${high}%, transparent ${high}%)`;
  const line = document.createElement("div");
  line.className = "line";
  const words = document.createElement("span");
  words.textContent = data.words;
  words.style.left = "0";
  line.append(words);
  if (data.proposed !== null && data.proposed <= data.limit) {
    const mark = document.createElement("span");
    mark.className = "at";
    mark.textContent = "▲";
    mark.style.left = at(data.proposed) + "%";
    line.append(mark);
    words.style.top = "0.95rem";
    line.style.height = "2.1rem";
  }
  root.setAttribute("aria-label", data.words);
  root.replaceChildren(track, line);
}
