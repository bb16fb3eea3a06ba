import copy
import pickle

import pytest

from steering.errors import JudgeError
from steering.judges.endpoint import NO_KEY, OPENAI_URL, find_endpoint

KEY = "sk-very-secret-0123456789"


def test_arguments_then_environment_then_openai() -> None:
    both = {"OPENAI_BASE_URL": "http://env/v1/", "OPENAI_API_KEY": KEY}
    assert find_endpoint("http://h/v1", "k", both).base_url == "http://h/v1"
    assert find_endpoint("http://h/v1", "k", both).reveal() == "k"
    assert find_endpoint(environment=both).base_url == "http://env/v1"
    assert find_endpoint(environment={"OPENAI_API_KEY": KEY}).base_url == OPENAI_URL
    assert find_endpoint(environment={"OPENAI_API_KEY": "k", "STEERSCOPE_JUDGE_API_KEY": KEY}).reveal() == KEY


def test_openais_key_goes_to_openai_and_to_the_environments_endpoint_only() -> None:
    key = {"OPENAI_API_KEY": KEY}
    assert find_endpoint(environment=key).reveal() == KEY
    assert find_endpoint("http://env/v1/", environment=key | {"OPENAI_BASE_URL": "http://env/v1"}).reveal() == KEY
    for elsewhere in ("http://localhost:8000/v1", "https://api.openai.com.evil.example/v1", "http://api.openai.com/v1"):
        assert find_endpoint(elsewhere, environment=key).reveal() == NO_KEY
    assert find_endpoint("http://other/v1", environment={"STEERSCOPE_JUDGE_API_KEY": KEY}).reveal() == KEY


def test_openai_without_a_key_is_refused_in_words() -> None:
    with pytest.raises(JudgeError, match="set OPENAI_API_KEY or STEERSCOPE_JUDGE_API_KEY"):
        find_endpoint(environment={})


@pytest.mark.parametrize("key", ["two words-secret", "line\nsecret", "schlüssel-secret", "“secret”"])
def test_a_key_that_no_header_carries_is_not_repeated(key: str) -> None:
    with pytest.raises(JudgeError, match="copy it again") as caught:
        find_endpoint("http://h/v1", key, {})
    assert "secret" not in str(caught.value)


def test_the_key_is_not_shown_and_does_not_travel() -> None:
    endpoint = find_endpoint("http://h/v1", KEY, {})
    assert KEY not in repr(endpoint) + str(endpoint)
    assert endpoint.scrub(f"bad key {KEY}!") == "bad key [key]!"
    for travel in (pickle.dumps, copy.deepcopy):
        with pytest.raises(JudgeError, match="does not leave its process"):
            travel(endpoint)
