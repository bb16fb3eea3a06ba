"""Screen 6: the paper's claims on the embedded world, each as question, plot, interval and verdict."""

from steering.findings.claims import CLAIMS
from ui import findings_view
from ui.frame import open_page

open_page(
    "Findings",
    lead="What became of the paper's claims on the embedded world. Every verdict is read off its interval.",
)

findings_view.paper_note()
for number, claim in enumerate(CLAIMS, start=1):
    findings_view.section(number, claim)
