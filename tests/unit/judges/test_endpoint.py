import copy
import pickle

import pytest

from steering.errors import JudgeError
from steering.judges.endpoint import NO_KEY, OPENAI_URL, find_endpoint

KEY = "sk-very-secret-0123456789"


def test_arguments_then_environment_then_openai() -> None:
    both = {"OPENAI_BASE_URL": "https://env/v1/", "OPENAI_API_KEY": KEY}
    assert find_endpoint("https://h/v1", "k", both).base_url == "https://h/v1"
    assert find_endpoint("https://h/v1", "k", both).reveal() == "k"
    assert find_endpoint(environment=both).base_url == "https://env/v1"
    assert find_endpoint(environment={"OPENAI_API_KEY": KEY}).base_url == OPENAI_URL
    assert find_endpoint(environment={"OPENAI_API_KEY": "k", "STEERSCOPE_JUDGE_API_KEY": KEY}).reveal() == KEY


def test_openais_key_goes_to_openai_and_to_the_environments_endpoint_only() -> None:
    key = {"OPENAI_API_KEY": KEY}
    assert find_endpoint(environment=key).reveal() == KEY
    assert find_endpoint("https://env/v1/", environment=key | {"OPENAI_BASE_URL": "https://env/v1"}).reveal() == KEY
    for elsewhere in ("http://localhost:8000/v1", "https://api.openai.com.evil.example/v1", "http://api.openai.com/v1"):
        assert find_endpoint(elsewhere, environment=key).reveal() == NO_KEY
    assert find_endpoint("https://other/v1", environment={"STEERSCOPE_JUDGE_API_KEY": KEY}).reveal() == KEY


def test_openai_without_a_key_is_refused_in_words() -> None:
    with pytest.raises(JudgeError, match="set OPENAI_API_KEY or STEERSCOPE_JUDGE_API_KEY"):
        find_endpoint(environment={})


@pytest.mark.parametrize("key", ["two words-secret", "line\nsecret", "schlüssel-secret", "“secret”"])
def test_a_key_that_no_header_carries_is_not_repeated(key: str) -> None:
    with pytest.raises(JudgeError, match="copy it again") as caught:
        find_endpoint("https://h/v1", key, {})
    assert "secret" not in str(caught.value)


def test_the_key_is_not_shown_and_does_not_travel() -> None:
    endpoint = find_endpoint("https://h/v1", KEY, {})
    assert KEY not in repr(endpoint) + str(endpoint)
    assert endpoint.scrub(f"bad key {KEY}!") == "bad key [key]!"
    for travel in (pickle.dumps, copy.deepcopy):
        with pytest.raises(JudgeError, match="does not leave its process"):
            travel(endpoint)


@pytest.mark.parametrize(
    "host", ["judge.example", "192.168.0.7:8000", "localhost.example", "127.0.0.1.example", "[::2]"]
)
def test_a_key_does_not_travel_unencrypted(host: str) -> None:
    with pytest.raises(JudgeError, match=r"A key would travel to .*; give an https:// address, or no key") as caught:
        find_endpoint(f"http://{host}/v1", KEY, {})
    assert KEY not in str(caught.value)
    assert find_endpoint(f"http://{host}/v1", environment={"OPENAI_API_KEY": KEY}).reveal() == NO_KEY
    assert find_endpoint(f"https://{host}/v1", KEY, {}).reveal() == KEY


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1:8000", "127.8.9.1", "[::1]:8000"])
def test_a_key_reaches_a_server_on_this_machine(host: str) -> None:
    assert find_endpoint(f"http://{host}/v1", KEY, {}).reveal() == KEY
