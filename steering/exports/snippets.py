"""A few lines that steer in other libraries: how would one write this by hand?

Three ways: transformers with the vector of the safetensors export, sae-lens with the SAE itself, nnsight. Each is a
program that answers one prompt greedily. All add the vector at every position, BOS and template included, as the
field's tools do; the recipe's own Python script leaves these out and gives the very same tokens as the screen.

The first two are run by the tests. nnsight is not among our dependencies: that snippet follows its documentation
(0.6 and later, transformers 5) and has not been run here.
"""

from pathlib import Path
from string import Template

from steering.errors import ExportError
from steering.exports.subject import Subject
from steering.paths import existing_path
from steering.presets import model_source, world_presets
from steering.template_options import options_source

LIBRARIES = ("transformers", "sae-lens", "nnsight")
VECTOR_FILE = "steering-vector.safetensors"

_ROOT = Path(__file__).parents[2]

_HEAD = '''\
"""$title

$how
"""

import torch
$imports

MODEL = $model
PROMPT = $prompt

'''

_MODEL = """\
tokenizer = AutoTokenizer.from_pretrained(MODEL)
model = AutoModelForCausalLM.from_pretrained(MODEL, dtype=torch.float32)
"""

_READ_VECTOR = """
with safe_open($file, "pt") as file:  # python -m steering export --format safetensors
    vector = file.get_tensor("vector")  # factor x max_act x decoder direction, summed
"""

_SAE_VECTOR = """
sae = $load
COEFFICIENTS = $coefficients  # feature: factor x max_act
rows = sae.W_dec[list(COEFFICIENTS)].detach()
rows = rows / rows.norm(dim=-1, keepdim=True)  # stored rows may have another length than 1
terms = torch.tensor(list(COEFFICIENTS.values()))[:, None] * rows
vector = terms.sum(dim=0)
"""

_BUDGET = """\
# Features share one budget: the sum is never longer than the longest single term.
vector = vector * min(1.0, float(terms.norm(dim=-1).max() / vector.norm()))
"""

_ENCODE = """
text = PROMPT
if tokenizer.chat_template:
    turns = [{"role": "user", "content": PROMPT}]
    text = tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, OPTIONS)
ids = tokenizer(text, add_special_tokens=False, return_tensors="pt").input_ids
if tokenizer.bos_token_id is not None and ids[0, 0] != tokenizer.bos_token_id:
    ids = torch.cat([torch.tensor([[tokenizer.bos_token_id]]), ids], dim=1)
""".replace("OPTIONS", options_source())

_HOOK_OUTPUT = """

def steer(module, args, output):
    if isinstance(output, tuple):
        return (output[0] + vector, *output[1:])
    return output + vector


hook = model.get_submodule($path).register_forward_hook(steer)
"""

_HOOK_INPUT = """

def steer(module, args, kwargs):
    if args:
        return (args[0] + vector, *args[1:]), kwargs
    return args, kwargs | {"hidden_states": kwargs["hidden_states"] + vector}


hook = model.get_submodule($path).register_forward_pre_hook(steer, with_kwargs=True)
"""

_GENERATE = """\
try:
    answer = model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=64, do_sample=False)
finally:
    hook.remove()
print(tokenizer.decode(answer[0, ids.shape[1] :], skip_special_tokens=True))
"""

_NNSIGHT = """
model = LanguageModel(MODEL, dtype=torch.float32, dispatch=True)
tokenizer = model.tokenizer
"""

_NNSIGHT_GENERATE = """
with model.generate(max_new_tokens=64, do_sample=False) as tracer:
    with tracer.invoke(ids):
        for step in tracer.iter[:]:
            $place[:] += vector
    with tracer.invoke():
        answer = tracer.result.save()
print(tokenizer.decode(answer[0, ids.shape[1] :], skip_special_tokens=True))
"""


def snippet_file(subject: Subject) -> bytes:
    """The snippet for the subject's library; what cannot be held is refused by ``formats``.

    Raises:
        ExportError: an unknown library, or a preset's folder that sae-lens cannot be told.
    """
    if subject.library not in LIBRARIES:
        raise ExportError(f"There is no snippet for {subject.library!r}; choose one of {', '.join(LIBRARIES)}.")
    path, _, end = subject.module_path.rpartition(".")
    parts = {
        "title": _inside_docstring(
            f"Steer {subject.model.name} with {_features(subject)} of {subject.sae_name} at {subject.module_path}."
        ),
        "model": repr(_place(subject.model.name)),
        "prompt": repr(subject.prompt),
        "file": repr(VECTOR_FILE),
        "path": repr(path),
    }
    reads = _READ_VECTOR
    if subject.library == "sae-lens":
        parts["how"] = "The vector comes out of the SAE, the hook is PyTorch's own."
        parts["imports"] = "from sae_lens import SAE\nfrom transformers import AutoModelForCausalLM, AutoTokenizer"
        parts["load"] = _load_sae(subject)
        parts["coefficients"] = repr({one.feature_id: one.coefficient for one in subject.intervention.features})
        shared = subject.intervention.shortens and len(subject.intervention.features) > 1
        reads = _SAE_VECTOR + (_BUDGET if shared else "")
    else:
        parts["how"] = f"It needs {VECTOR_FILE}, which the safetensors export writes."
    if subject.library == "transformers":
        parts["imports"] = (
            "from safetensors import safe_open\nfrom transformers import AutoModelForCausalLM, AutoTokenizer"
        )
    if subject.library == "nnsight":
        parts["how"] += "\nFor nnsight 0.6 and later with transformers 5; not run by Steerscope's tests."
        parts["imports"] = "from nnsight import LanguageModel\nfrom safetensors import safe_open"
        parts["place"] = f"model.{_indexed(path)}.{end}"
        body = _NNSIGHT.lstrip("\n") + reads + _ENCODE + _NNSIGHT_GENERATE
    else:
        body = _MODEL + reads + _ENCODE + (_HOOK_OUTPUT if end == "output" else _HOOK_INPUT) + _GENERATE
    return Template(_HEAD + body).substitute(parts).encode()


def _features(subject: Subject) -> str:
    ids = subject.intervention.feature_ids
    return f"feature{'s' if len(ids) > 1 else ''} {', '.join(map(str, ids))}"


def _inside_docstring(text: str) -> str:
    """A name that somebody else chose must not end the docstring, nor stand for another character."""
    return text.replace("\\", "/").replace('"', "'")


def _place(model: str) -> str:
    """Where a model is found by a program that does not know our presets."""
    known = world_presets()
    return _from_checkout(Path(known[model].model)) if model in known else model_source(model)


def _from_checkout(path: Path) -> str:
    """A path inside the checkout as it is from there, so that no other machine's folders are named."""
    return path.relative_to(_ROOT).as_posix() if path.is_relative_to(_ROOT) else str(path)


def _load_sae(subject: Subject) -> str:
    metadata = subject.sae.metadata
    if metadata.release is not None:
        return f"SAE.from_pretrained({metadata.release!r}, {metadata.sae_id!r})"
    if metadata.path is None:
        raise ExportError(
            f"The SAE {subject.sae_name} is in no folder and no release, so sae-lens cannot load it; take the snippet "
            "for transformers."
        )
    folder = existing_path(metadata.path)
    if folder is None or not folder.is_dir():
        raise ExportError(
            f"The SAE {subject.sae_name} is a file of bare tensors, which sae-lens cannot load; take the snippet for "
            "transformers."
        )
    return f"SAE.load_from_disk({_from_checkout(Path(metadata.path))!r})"


def _indexed(path: str) -> str:
    """``model.layers.2`` → ``model.layers[2]``."""
    return "".join(f"[{part}]" if part.isdecimal() else f".{part}" for part in path.split(".")).lstrip(".")
