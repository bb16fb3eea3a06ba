"""What does a post say, once its HTML is gone?"""

import re
from typing import Any

from lxml import etree

from steering.errors import ExamplesError

MAX_DEPTH = 2_048
"""Elements within one another that libxml2 reads at most; it leaves out the rest of the post."""

_BLOCKS = frozenset({
    "address", "article", "blockquote", "dd", "details", "div", "dl", "dt", "figure", "h1", "h2", "h3", "h4", "h5",
    "h6", "hr", "li", "ol", "p", "pre", "section", "summary", "table", "td", "th", "tr", "ul",
})  # fmt: skip
_NEVER_TEXT = frozenset({"script", "style", "noscript", "template", "iframe"})
_SPACE = re.compile(r"\s+")


def post_text(body: str, *, keep_code: bool = False) -> str:
    """The words of a post's HTML, a line per paragraph, list item or heading.

    Code blocks (``<pre>``) are dropped unless they are asked for; code inside a sentence always stays. Links that show
    a tag (``[tag:python]`` in the editor) are dropped, because tags become labels and must not stand in the text.

    Args:
        body: HTML as the dump holds it; broken HTML is read as a browser would.
        keep_code: whether code blocks stay, with their line breaks.

    Raises:
        ExamplesError: elements are nested deeper than can be read.
    """
    parser = etree.HTMLParser(encoding="utf-8", remove_comments=True, remove_pis=True, no_network=True, huge_tree=True)
    root = etree.fromstring(b"<div>" + body.encode("utf-8", "replace") + b"</div>", parser)
    if any(found.type_name == "ERR_RESOURCE_LIMIT" for found in parser.error_log):
        raise ExamplesError(f"A post's HTML is nested deeper than {MAX_DEPTH:,} levels; leave it out.")
    pieces: list[str] = []
    in_code = 0

    def add(text: str | None) -> None:
        if not text:
            return
        if not in_code:
            text = _SPACE.sub(" ", text)
            if not pieces or pieces[-1].endswith(("\n", " ")):
                text = text.lstrip(" ")
        if text:
            pieces.append(text)

    def end_line() -> None:
        if pieces and not pieces[-1].endswith("\n"):
            pieces.append("\n")

    walk = etree.iterwalk(root, events=("start", "end"))
    for event, element in walk:
        block = element.tag in _BLOCKS or element.tag == "br"
        if event == "start":
            if block:
                end_line()
            if _is_dropped(element, keep_code):
                walk.skip_subtree()
                continue
            in_code += element.tag == "pre"
            add(element.text)
        else:
            if element.tag == "pre" and keep_code:
                in_code -= 1
            if block:
                end_line()
            add(element.tail)
    return "\n".join(line.rstrip() for line in "".join(pieces).splitlines() if line.strip())


def shorten(text: str, max_chars: int) -> str:
    """At most ``max_chars`` characters, cut between words where there is a space to cut at."""
    if len(text) <= max_chars:
        return text
    head = text[: max_chars + 1]
    cut = max(head.rfind(" "), head.rfind("\n"))
    return text[: cut if cut > 0 else max_chars].rstrip()


def _is_dropped(element: Any, keep_code: bool) -> bool:
    if element.tag in _NEVER_TEXT or (element.tag == "pre" and not keep_code):
        return True
    is_tag = "post-tag" in element.get("class", "").split() or "tag" in element.get("rel", "").split()
    return bool(element.tag == "a" and is_tag)
