"""A server that answers as the Hub does: real downloads with progress, and what is said when it refuses."""

import json
import os
import subprocess
import sys
import textwrap
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import unquote

import pytest

from tests.integration.hub_on_disk import COMMIT, save_model
from tests.tiny import tiny_llama

ROOT = Path(__file__).parents[2]


class Hub(BaseHTTPRequestHandler):
    """Files of ``repos/OWNER/NAME``; gated and missing ones answer with the Hub's own headers."""

    repos: Path
    asked: list[str]
    protocol_version = "HTTP/1.1"

    def do_HEAD(self):
        self._answer(with_body=False)

    def do_GET(self):
        self._answer(with_body=True)

    def log_message(self, *_):
        pass

    def _answer(self, *, with_body):
        path = unquote(self.path.partition("?")[0]).strip("/")
        self.asked.append(f"{self.command} {path}")
        parts = path.removeprefix("api/models/").split("/")
        repo, action, rest = "/".join(parts[:2]), parts[2:3], parts[3:]
        if not path:
            return self._send(200, b"", with_body)
        if repo == "me/gated" and action == ["resolve"]:
            return self._refuse(403 if self.headers.get("Authorization") else 401, "GatedRepo")
        if not (self.repos / repo).is_dir():
            return self._refuse(401, "RepoNotFound")
        if rest[:1] not in (["main"], [COMMIT]):
            return self._refuse(404, "RevisionNotFound")
        files = {
            str(file.relative_to(self.repos / repo)): file for file in (self.repos / repo).rglob("*") if file.is_file()
        }
        if action == ["revision"]:
            siblings = [{"rfilename": name} for name in files]
            return self._send_json({"id": repo, "sha": COMMIT, "siblings": siblings}, with_body)
        if action == ["tree"]:
            tree = [
                {"type": "file", "path": name, "size": file.stat().st_size, "oid": "1" * 40}
                for name, file in files.items()
            ]
            return self._send_json(tree, with_body)
        name = "/".join(rest[1:])
        if name not in files:
            return self._refuse(404, "EntryNotFound")
        return self._send(200, files[name].read_bytes(), with_body)

    def _send_json(self, value, with_body):
        self._send(200, json.dumps(value).encode(), with_body, "application/json")

    def _send(self, status, body, with_body, kind="application/octet-stream"):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("X-Repo-Commit", COMMIT)
        self.send_header("ETag", f'"{hash(body) & 0xFFFFFFFF:040x}"')
        self.end_headers()
        if with_body:
            self.wfile.write(body)

    def _refuse(self, status, code):
        self.send_response(status)
        self.send_header("X-Error-Code", code)
        self.send_header("Content-Length", "0")
        self.end_headers()


SCRIPT = """
import json, sys, time
from steering.errors import Cancelled, SteeringError
from steering.models import load_model
from steering.saes import load_sae
asked = json.loads(sys.argv[1])
out = {"told": [], "messages": {}, "seconds": {}}

def stop(*_):
    raise Cancelled("stopped")

try:
    load_model("me/fine", on_progress=stop)
except Cancelled:
    out["cancelled"] = True
model = load_model("me/fine@main", on_progress=lambda *told: out["told"].append(told))
out["name"], out["revision"] = model.name, model.revision
again = []
out["again"] = load_model("me/fine", on_progress=lambda *told: again.append(told)).revision
out["told_again"] = again
for name in asked["models"]:
    started = time.monotonic()
    try:
        load_model(name)
        out["messages"][name] = "loaded"
    except SteeringError as error:
        out["messages"][name] = str(error)
    out["seconds"][name] = time.monotonic() - started
for name in asked["saes"]:
    try:
        load_sae(name)
    except SteeringError as error:
        out["messages"][name] = str(error)
print(json.dumps(out))
"""

REFUSED = {
    "me/gated": "The model me/gated is gated: accept its terms on https://huggingface.co/me/gated, then log in with",
    "me/nowhere": "The model me/nowhere was not found on the Hub (or is private: log in with",
    "me/fine@v9": "The model me/fine@v9 does not exist at this revision; see the branches",
    "me/nothing": "was not found (",
    "me/code": "brings Python code of its own",
    "me/gated/l1": "The SAE me/gated/l1 is gated: accept its terms on https://huggingface.co/me/gated",
    "me/nowhere/l1": "The SAE me/nowhere/l1 was not found on the Hub",
}


def run(script, asked, **environment):
    kept = {key: value for key, value in os.environ.items() if not key.startswith("HF_")}
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(script), json.dumps(asked)],
        capture_output=True,
        text=True,
        check=False,
        cwd=ROOT,
        env=kept | {"HF_HUB_DISABLE_TELEMETRY": "1", "NO_PROXY": "*", "no_proxy": "*"} | environment,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture(scope="module")
def hub(tmp_path_factory):
    """The server's address, what it was asked, and the answers of one process that talked to it."""
    folder = tmp_path_factory.mktemp("repos")
    model = tiny_llama()
    for name in ("gated", "code"):
        save_model(model, folder / "me" / name)
    config = type(model.model.config)(**model.model.config.to_dict() | {"intermediate_size": 20_000})
    model.model = type(model.model)(config)  # 23 MB: several of the chunks that the Hub's client reads
    save_model(model, folder / "me" / "fine")
    (folder / "me/fine/onnx").mkdir()
    (folder / "me/fine/onnx/model.safetensors").write_bytes(b"x" * 1000)
    (folder / "me/fine/pytorch_model.bin").write_bytes(b"x" * 1000)
    (folder / "me/nothing").mkdir()
    config = json.loads((folder / "me/code/config.json").read_text())
    own = {"model_type": "my_own", "auto_map": {"AutoModelForCausalLM": "modeling.MyModel"}}
    (folder / "me/code/config.json").write_text(json.dumps(config | own))

    class Mine(Hub):
        repos, asked = folder, []

    server = ThreadingHTTPServer(("127.0.0.1", 0), Mine)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    home = tmp_path_factory.mktemp("home")
    environment = {"HF_ENDPOINT": f"http://127.0.0.1:{server.server_port}", "HF_HOME": str(home), "HOME": str(home)}
    saes = [name for name in REFUSED if name.endswith("l1")]
    answers = run(SCRIPT, {"models": [name for name in REFUSED if name not in saes], "saes": saes}, **environment)
    yield answers, Mine.asked, environment
    server.shutdown()
    server.server_close()


def test_a_model_is_downloaded_with_progress(hub):
    answers, asked, _ = hub
    assert answers["cancelled"]
    assert (answers["name"], answers["revision"]) == ("me/fine@main", COMMIT)
    done = [told[0] for told in answers["told"]]
    assert answers["told"], "nothing was told of the download"
    assert all(told[2:] == ["MB", "Downloading me/fine"] for told in answers["told"])
    assert done == sorted(done)
    assert [number for number in done if 0 < number < 23], "nothing was told in between"
    assert answers["told"][-1][:2] == [23, 23]
    assert f"GET me/fine/resolve/{COMMIT}/model.safetensors" in asked
    assert not any("onnx" in one or ".bin" in one for one in asked)


def test_what_is_in_the_cache_is_not_downloaded_again(hub):
    answers, _, _ = hub
    assert answers["again"] == COMMIT
    assert answers["told_again"] == []


def test_code_is_refused_before_any_weights_are_asked_for(hub):
    assert not [one for one in hub[1] if "me/code" in one and "safetensors" in one]


@pytest.mark.parametrize(("source", "part"), REFUSED.items())
def test_what_the_hub_refuses_is_explained(hub, source, part):
    message = hub[0]["messages"][source]
    assert part in message
    assert "\n" not in message


NO_NETWORK = """
import json, time
from steering.errors import SteeringError
from steering.models import load_model
out = {}
for name in ("me/fine", "me/nowhere"):
    started = time.monotonic()
    try:
        out[name] = load_model(name).name
    except SteeringError as error:
        out[name] = str(error)
    out[f"{name} seconds"] = time.monotonic() - started
print(json.dumps(out))
"""


def test_without_a_network_the_cache_is_used_at_once(hub):
    _, _, environment = hub
    # Nothing listens on port 9 (discard), and nothing says that one is offline.
    found = run(NO_NETWORK, {}, **environment | {"HF_ENDPOINT": "http://127.0.0.1:9"})
    assert found["me/fine"] == "me/fine"
    assert "is not in the local cache" in found["me/nowhere"]
    assert found["me/nowhere seconds"] < 5, "the libraries' own retries take half a minute"
