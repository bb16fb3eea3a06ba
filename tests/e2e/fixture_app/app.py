"""A page that shows the shared components with known and with hostile data; the browser tests open it."""

import time

import streamlit as st

from steering import runtime
from ui.heatmap import heatmap
from ui.job_panel import job_panel
from ui.palette import FEATURE_COLOURS
from ui.tokens import completion_view, mark_changes

HOSTILE = [
    "<img src=x onerror=\"window.__hit='img'\">",
    " <script>window.__hit='script'</script>",
    "</script></style>",
    "\u202eevil",
    " zero\u200bwidth",
    "\t",
    "tab",
    "\n",
    " next line",
    " [link](javascript:alert(1))",
    " $x^2$",
    " **bold**",
    " &amp;",
]

st.set_page_config(page_title="Components", layout="wide")
st.subheader("Heatmap")
text = "The rain over Bergen had not stopped for three days , and the grey clouds promised another storm ."
words = [(" " if i else "") + word for i, word in enumerate(text.split())]
values = [0, 3.9, 0.2, 0.8, 0, 0, 0.6, 0, 0, 0.3, 0, 0, 0, 1.1, 2.7, 0, 0, 4.1, 0]
dry = """My sister baked bread with seeds and butter , then she sold it at the market before noon .""".split()  # noqa: SIM905
rows = [
    {"tokens": words, "values": values, "label": "positive", "title": "row 17, held out", "score": 4.1},
    {
        "tokens": HOSTILE,
        "values": [0.1, 0.4, 0, 1, 0.7, 0.5, 0, 2.0, 0, 0.2, 0.1, 0.6, 0],
        "label": "positive",
        "title": "<b>hostile</b> row",
        "score": 2.0,
    },
    {
        "tokens": [(" " if i else "") + word for i, word in enumerate(dry)],
        "values": [0.0] * 8 + [0.35] + [0.0] * (len(dry) - 9),
        "label": "negative",
        "title": "row 4",
        "score": 0.35,
    },
]
chosen = heatmap(rows, max_value=4.1, key="heat", colour=FEATURE_COLOURS[0])
st.text(f"selected: {chosen}")
st.button("Rerun")
if st.toggle("Other colour"):
    heatmap(rows[:1], max_value=4.1, key="heat2", colour=FEATURE_COLOURS[1], window=3)

st.subheader("Completion")
base = ["The", " weather", " is", " fine", " today", "."]
steered = ["The", " weather", " is", " stormy", " and", " <b>wet</b>", " today", ".\n", "Bring", " a", " coat", "."]
top = [[" stormy", 0.41], [" fine", 0.22], [" wet", 0.118], ["\n", 0.05], ["<i>x</i>", 0.0004]]
left, right = st.columns(2)
with left.container(border=True):
    st.caption("Baseline")
    completion_view([{"text": token, "top": top} for token in base], key="base", colour="#7a8496")
with right.container(border=True):
    st.caption("Steered")
    flags = mark_changes(base, steered)
    completion_view(
        [{"text": token, "top": top, "changed": flag} for token, flag in zip(steered, flags, strict=True)],
        key="steered",
        colour=FEATURE_COLOURS[1],
    )

st.subheader("Stream")


@st.fragment(run_every=0.3 if st.session_state.get("streaming") else None)
def stream() -> None:
    """Grow a completion by a token per tick."""
    count = st.session_state.get("count", 0)
    completion_view(
        [{"text": f" word{i}"} for i in range(count)],
        key="stream",
        streaming=bool(st.session_state.get("streaming")) and count < 8,
        placeholder="Waiting for the first token…",
    )
    if st.session_state.get("streaming"):
        if count >= 8:
            st.session_state.streaming = False
            st.rerun()
        st.session_state.count = count + 1


stream()
if st.button("Stream"):
    st.session_state.update(streaming=True, count=0)
    st.rerun()

st.subheader("Job")


def slow(job):
    """Tick for a while."""
    for i in range(200):
        job.tick(i * 64, 200 * 64, "Reading examples", unit="tokens")
        time.sleep(0.05)
    return "finished"


if st.button("Start job"):
    runtime.jobs()._on_worker_start = None
    st.session_state.job = runtime.jobs().submit(slow, title="Ranking features", owner="me").id
    st.rerun()
job = job_panel(st.session_state.get("job"), key="panel")
if job is not None:
    st.text(f"job is {job.state}")
