"""The report: nothing in it runs, loads or hides, whatever the texts are; numbers are those of the completions."""

import re
from html.parser import HTMLParser

import pytest

from steering.errors import SteeringError
from steering.generation.completion import Completion, Receipt, WrittenFeature
from steering.judges.score import Score
from steering.measures import repetition
from steering.recipes import ChosenFeature, ModelSource, Recipe, SaeSource
from steering.report.building import build_report, feature_part
from steering.report.charts import Bar, Point, bars, scatter, ticks
from steering.report.content import HeatRow
from steering.report.methods import summarise_methods
from steering.report.rendering import TINTS, render_report, tint, visible

HOSTILE = (
    "<script>alert(1)</script>",
    '"><img src=http://e.example/x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</style><style>body{display:none}</style>",
    "</title><meta http-equiv=refresh content=0;url=http://e.example>",
    "{{ 7 * 7 }} {% include 'x' %}",
    "javascript:alert(1) ]]> <!-- <svg/onload=alert(1)>",
    "left \u202egnp.exe\u202c right \u2066x\u2069 zero\u200bwidth \ufeff",
    "null \x00 bell \x07 escape \x1b[31m line\u2028end",
)
NASTY = " ".join(HOSTILE)
TITLES = ("Baseline", NASTY, "SAE")
PROMPTS = (NASTY, "Explain how bread is made.", "x")


def completion(title: str, place: int, text: str, kl: float) -> Completion:
    receipt = Receipt(
        mode="add" if title == "SAE" else None, scope="all" if title == "SAE" else None,
        features=(WrittenFeature(3, 0.5, 4.0, 2.0),) if title == "SAE" else (), hook_module=NASTY,
        positions_edited_prompt=3, positions_edited_generated=7, positions_moved=10, share_of_resid_norm=0.2, kl=kl,
        perplexity=None if place else 9.0, repetition=repetition(list(range(8))), bos_count=1, adapter=NASTY,
        told_in=None, n_prompt_tokens=5, n_generated=8,
        finished="length", seed=0, sample=0, temperature=1.0, top_p=1.0, seconds=0.1,
        batch_size=2, versions={"torch": "2.13"},
    )  # fmt: skip
    return Completion("baseline", place, PROMPTS[0], text, (1,), (), (), receipt)


def report():
    completions, scores = [], []
    for method, title in enumerate(TITLES):
        for place in range(len(PROMPTS)):
            completions.append(completion(title, place, NASTY, float(method)))
            scores.append(Score(min(2, method), 2, 1 if place else 2, (NASTY,)))
    tokens = tuple((one, place / (len(HOSTILE) - 1)) for place, one in enumerate(HOSTILE))
    rows = (HeatRow("positive", NASTY, 3.2, tokens),)
    return build_report(
        title=NASTY, made="2026-11-22", titles=TITLES, prompts=PROMPTS, count=1, completions=completions,
        scores=scores, judge=NASTY, facts={"Concept": NASTY, "Model": NASTY},
        features=(feature_part(3, mode="add", factor=0.5, max_act=4.0, rows=rows, neuronpedia_id="gpt2-small/8-r"),),
        recipe=Recipe(
            ModelSource("demo"), (NASTY.replace("\x00", ""),), SaeSource("demo", "blocks.1.hook_resid_post"),
            (ChosenFeature(3, 0.5, 4.0),), concept=NASTY.replace("\x00", ""),
        ),
    )  # fmt: skip


class Reader(HTMLParser):
    """Every element and attribute as a browser would see them."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.text.append(data)


@pytest.fixture(scope="module")
def page() -> str:
    return render_report(report())


@pytest.fixture(scope="module")
def seen(page) -> Reader:
    reader = Reader()
    reader.feed(page)
    return reader


TEXT_TAGS = {"h1", "h2", "h3", "p", "dl", "div", "dt", "dd", "bdi", "b", "i", "span", "ul", "li", "code", "pre", "br"}
KNOWN = TEXT_TAGS | {
    "html", "head", "meta", "title", "style", "body", "main", "header", "section", "article", "figure", "svg", "rect",
    "line", "text", "circle", "table", "thead", "tbody", "tr", "th", "td",
}  # fmt: skip


def test_nothing_of_the_texts_becomes_an_element_or_an_attribute(seen):
    assert {tag for tag, _ in seen.tags} <= KNOWN
    assert [tag for tag, _ in seen.tags].count("style") == 1
    names = {name for _, attributes in seen.tags for name in attributes}
    assert not {name for name in names if name.startswith("on")}
    assert not names & {"src", "href", "style", "srcset", "action", "background", "formaction", "xlink:href", "data"}


def test_every_text_is_there_to_be_read(seen):
    text = "".join(seen.text)
    for one in HOSTILE:
        assert visible(one) in text


def test_the_policy_allows_the_sheet_and_nothing_else(page, seen):
    import base64
    import hashlib

    policies = [a["content"] for tag, a in seen.tags if a.get("http-equiv", "").lower() == "content-security-policy"]
    (sheet,) = re.findall(r"<style>(.*?)</style>", page, re.S)
    digest = base64.b64encode(hashlib.sha256(sheet.encode()).digest()).decode()
    assert policies == [f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"]
    assert page.index("Content-Security-Policy") < page.index("<style>")
    assert "url(" not in sheet
    assert "@import" not in sheet
    assert [a["http-equiv"] for tag, a in seen.tags if "http-equiv" in a] == ["Content-Security-Policy"]


def test_text_that_hides_is_shown_by_its_code(page):
    for hidden in "\u202e\u202c\u2066\u2069\u200b\ufeff\x00\x07\x1b\u2028":
        assert hidden not in page
    assert "⟨U+202E⟩" in page
    assert visible("नमस्‍ते 👩‍🚀 שלום\n\tx") == "नमस्‍ते 👩‍🚀 שלום\n\tx"
    assert visible("\ud800") == "⟨U+D800⟩"
    page.encode()


def test_every_tint_has_a_rule(page):
    for step in range(1, TINTS + 1):
        assert f".h{step} {{" in page
    assert [tint(share) for share in (-1.0, 0.0, 0.001, 0.5, 1.0, 1.7)] == [0, 0, 1, 5, 8, 8]


def test_the_recipe_in_a_report_can_be_read_back(seen):
    from steering.recipes import read_recipe

    start = next(place for place, (tag, _) in enumerate(seen.tags) if tag == "pre")
    assert start
    text = "".join(seen.text)
    raw = text[text.index('{\n  "schema"') :]
    assert read_recipe(raw[: raw.index("\n}") + 2]).features == (ChosenFeature(3, 0.5, 4.0),)


def test_methods_are_summed_up_over_prompts():
    """Worked by hand: two prompts, two samples; overall of (2,2,2) is 2, of (1,2,2) is 1.5, of (0,2,2) is 0."""
    kinds = {2: Score(2, 2, 2), 1: Score(1, 2, 2), 0: Score(0, 2, 2)}
    scores = [kinds[k] for k in (0, 0, 0, 1)] + [kinds[k] for k in (2, 2, 1, 0)]
    made = [completion("Baseline", 0, "", 0.0)] * 4 + [completion("SAE", 0, "", 0.4)] * 4
    base, sae = summarise_methods(("Baseline", "SAE"), 2, 2, made, scores)
    assert (base.overall, sae.overall) == (0.375, 1.375)
    assert base.interval is None  # two prompts are no sample
    assert base.difference == -1.0
    assert sae.difference is None
    assert (sae.concept, sae.kl, sae.perplexity, sae.loops) == (1.25, pytest.approx(0.4), 9.0, 0)
    silent = summarise_methods(("Baseline", "SAE"), 2, 2, made)
    assert silent[1].overall is None
    assert silent[1].kl == pytest.approx(0.4)
    with pytest.raises(SteeringError, match="need 8 completions"):
        summarise_methods(("Baseline", "SAE"), 2, 2, made[1:], scores[1:])


def test_a_report_without_judge_says_that_success_was_not_measured():
    made = [completion("Baseline", 0, "a", 0.0), completion("SAE", 0, "b", 0.3)]
    plain = build_report(
        title="t", made="m", titles=("Baseline", "SAE"), prompts=("p",), count=1, completions=made, facts={}
    )
    page = render_report(plain)
    assert "success is not" in page
    assert "Overall score" not in page


def test_a_bar_is_as_long_as_its_value():
    drawn = str(bars([Bar("a", 1.0, 3), Bar("b", 2.0, 4, (1.5, 2.0))], low=0.0, high=2.0, axis="x", label='"<&'))
    short, long = (float(width) for width in re.findall(r'class="bar[^>]* width="([0-9.]+)"', drawn))
    assert long == pytest.approx(2 * short)
    assert 'aria-label="&#34;&lt;&amp;"' in drawn
    assert drawn.count('class="whisker"') == 3


def test_a_scatter_names_the_chosen_and_survives_equal_values():
    drawn = str(scatter([Point("7", 0.5, 0.0, True), Point("8", 0.5, 0.0, False)], x_axis="r", y_axis="w", label="l"))
    assert drawn.count("<circle") == 2
    assert ">7</text>" in drawn
    assert "nan" not in drawn


@pytest.mark.parametrize(("low", "high"), [(0.0, 2.0), (0.0, 0.013), (-3.0, 12.0), (0.61, 0.97)])
def test_ticks_are_few_and_inside(low, high):
    found = ticks(low, high)
    assert 3 <= len(found) <= 6
    assert all(low - 1e-9 <= tick <= high + 1e-9 for tick in found)
    assert ticks(1.0, 1.0) == (1.0,)
