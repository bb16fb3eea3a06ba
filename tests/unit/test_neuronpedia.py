"""Addresses on Neuronpedia: worked by hand, taken apart again, and refused where they could not work."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest

from steering.errors import ExportError
from steering.neuronpedia import MAX_LISTED, dashboard_url, feature_url, page_id, quick_list_url

GEMMA = "gemma-2-2b/12-gemmascope-res-16k"


def test_a_feature_and_its_dashboard():
    assert feature_url(GEMMA, 7) == "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-res-16k/7"
    assert dashboard_url(GEMMA, 7) == (
        "https://www.neuronpedia.org/gemma-2-2b/12-gemmascope-res-16k/7"
        "?embed=true&embedexplanation=true&embedplots=true&embedtest=true"
    )
    # The underscores of some sources stay what they are.
    assert feature_url("gpt2-small/8-res_fs768-jb", 0).endswith("/gpt2-small/8-res_fs768-jb/0")


def test_a_quick_list_can_be_read_back():
    address = urlsplit(quick_list_url(GEMMA, [7, 1200], name="sea & sailing"))
    assert (address.netloc, address.path) == ("www.neuronpedia.org", "/quick-list/")
    query = parse_qs(address.query)
    assert query["name"] == ["sea & sailing"]
    assert json.loads(query["features"][0]) == [
        {"modelId": "gemma-2-2b", "layer": "12-gemmascope-res-16k", "index": "7"},
        {"modelId": "gemma-2-2b", "layer": "12-gemmascope-res-16k", "index": "1200"},
    ]


def test_a_list_has_a_greatest_length():
    assert quick_list_url(GEMMA, range(MAX_LISTED), name="x")
    with pytest.raises(ExportError, match="takes 150 features and there are 151"):
        quick_list_url(GEMMA, range(MAX_LISTED + 1), name="x")


@pytest.mark.parametrize("id", ["", "gemma-2-2b", "/12-res", "gemma/12/res", "gemma-2-2b/"])
def test_an_id_of_another_form_is_refused(id):
    with pytest.raises(ExportError, match="model/layer-source"):
        feature_url(id, 3)


def test_nothing_in_an_id_leaves_its_place_in_the_address():
    address = urlsplit(feature_url("a?x#y@evil.org:80/b c", 3))
    assert (address.netloc, address.query, address.fragment) == ("www.neuronpedia.org", "", "")


@pytest.mark.parametrize("text", [None, "", "gpt2-small", "a/b/c", "/b", "a/"])
def test_what_is_no_page_is_none(text):
    assert page_id(text) is None
    assert page_id(GEMMA) == GEMMA
