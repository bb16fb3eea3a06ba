"""Does the operator's key reach the judge from environment or secrets, and nobody else?"""

import pickle

import pytest
from streamlit.errors import StreamlitSecretNotFoundError

from steering.errors import JudgeError
from ui import judge_access
from ui.judge_access import judge_endpoint, judge_spec

KEY = "sk-very-secret-0123456789"


class NoSecrets:
    def get(self, *_: object) -> str:
        raise StreamlitSecretNotFoundError("No secrets found.")


@pytest.fixture
def secrets(monkeypatch: pytest.MonkeyPatch) -> dict[str, object]:
    for name in judge_access.NAMES:
        monkeypatch.delenv(name, raising=False)
    found: dict[str, object] = {}
    monkeypatch.setattr(judge_access.st, "secrets", found)
    return found


def test_without_a_key_no_model_is_offered(secrets: dict[str, object], monkeypatch: pytest.MonkeyPatch) -> None:
    assert judge_endpoint() is None
    monkeypatch.setattr(judge_access.st, "secrets", NoSecrets())
    assert judge_endpoint() is None
    assert judge_access.judge_access("world") is None
    with pytest.raises(JudgeError, match="OpenAI wants a key"):
        judge_access.judge_access("openai:gpt-4o-mini")


def test_a_secret_is_a_key_and_is_not_shown(secrets: dict[str, object]) -> None:
    secrets["OPENAI_API_KEY"] = KEY
    endpoint = judge_endpoint()
    assert endpoint is not None
    assert judge_spec(" gpt-4o-mini ", endpoint) == "openai:gpt-4o-mini"
    access = judge_access.judge_access("openai:gpt-4o-mini")
    assert access is not None
    assert access.api_key == KEY
    assert KEY not in repr(access)
    assert pickle.loads(pickle.dumps(access)) == access  # to a worker process


def test_openais_secret_goes_to_openai_alone(secrets: dict[str, object]) -> None:
    secrets["OPENAI_API_KEY"] = KEY
    found = judge_access.judge_access("openai:m@https://elsewhere.example/v1")
    assert found is not None
    assert found.api_key is None


def test_the_environment_comes_first_and_names_the_endpoint(
    secrets: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    secrets |= {"STEERSCOPE_JUDGE_API_KEY": "another", "OPENAI_BASE_URL": "https://judge.example/v1"}
    monkeypatch.setenv("STEERSCOPE_JUDGE_API_KEY", KEY)
    endpoint = judge_endpoint()
    assert endpoint is not None
    assert judge_spec("m", endpoint) == "openai:m@https://judge.example/v1"
    access = judge_access.judge_access("openai:m@https://judge.example/v1")
    assert access is not None
    assert access.api_key == KEY
