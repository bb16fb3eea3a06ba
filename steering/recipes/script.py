"""How does a recipe become a Python script that anybody can keep, with torch, transformers and safetensors alone?

The script is put together from the pieces below: of modes, scopes and architectures it holds those that the recipe
uses, so that it can be read from top to bottom. It makes the same batch, the same edits and the same draws as
``steering.generation``, so the same tokens come out (tests/integration/test_recipe_script.py). The numbers of the SAE
that it needs, and no others, lie beside it.
"""

import json
import re
import shutil
from pathlib import Path
from string import Template

import torch
from safetensors.torch import save

from steering.errors import RecipeError
from steering.hook_points import HookPoint
from steering.hub import split_revision
from steering.layout import ModelLayout
from steering.presets import model_source, world_presets
from steering.recipes.recipe import Recipe
from steering.recipes.running import Ingredients, intervention_of
from steering.recipes.script_limits import script_refusal
from steering.recipes.writing import write_recipe
from steering.saes import SparseAutoencoder
from steering.template_options import options_source

SCRIPT = "steer.py"
FEATURES = "features.safetensors"
RECIPE = "recipe.json"
MODEL = "model"


def write_script(recipe: Recipe, ingredients: Ingredients, folder: Path) -> Path:
    """Fill a folder with script, numbers of the features and recipe, and with a model of the embedded world.

    Args:
        recipe: with features; of its baselines the plain and the prompted one are in the script.
        ingredients: model and SAE of the recipe, as :func:`steering.recipes.running.opened` gives them.
        folder: is made where it does not exist.

    Returns:
        Path of the script.

    Raises:
        RecipeError: nothing is steered, a prompt is a conversation or spells a special token, or the prompted baseline
            is told elsewhere than in the prompt.
    """
    text, tensors = script_of(recipe, ingredients)
    folder.mkdir(parents=True, exist_ok=True)
    known = world_presets().get(recipe.model.source)
    if known is not None:
        shutil.copytree(known.model, folder / MODEL, dirs_exist_ok=True)
    (folder / FEATURES).write_bytes(save(tensors))  # save_file writes what nobody else may read
    (folder / RECIPE).write_text(write_recipe(recipe), encoding="utf-8")
    (folder / SCRIPT).write_text(text, encoding="utf-8")
    return folder / SCRIPT


def script_of(recipe: Recipe, ingredients: Ingredients) -> tuple[str, dict[str, torch.Tensor]]:
    """The text of the script, and the tensors of the file beside it. Raises as :func:`write_script`."""
    reason = script_refusal(recipe)
    if reason is not None:
        raise RecipeError(reason)
    if ingredients.loaded is None:
        raise RuntimeError("opened() loads the SAE of a recipe with features")
    prompts = [prompt for prompt in recipe.prompts if isinstance(prompt, str)]
    tokenizer, sae = ingredients.model.tokenizer, ingredients.loaded.sae
    for prompt in prompts:
        spelt = next((token for token in tokenizer.all_special_tokens if token in prompt), None)
        if spelt is not None:
            raise RecipeError(
                f"A prompt spells the special token {spelt}, which a script would take as one; reword it."
            )
    told = recipe.baselines.prompted
    target = ingredients.model.layout.locate(sae.hook_point)
    reads = recipe.mode != "add"
    sampling = recipe.sampling
    named = recipe.model.source
    known, branch = split_revision(model_source(named))
    shortens = len(recipe.features) > 1 and intervention_of(recipe).shortens
    parts = {
        "title": _title(recipe),
        "digest": recipe.digest[:12],
        "left_out": _left_out(recipe),
        "model": f'str(HERE / "{MODEL}")' if named in world_presets() else _pretty(known),
        "revision": _pretty(recipe.model.revision or branch or "main"),
        "dtype": f"torch.{recipe.model.dtype}",
        "module": target.path,
        "end": "what leaves this module" if target.end == "output" else "what enters this module",
        "hook_point": str(sae.hook_point),
        "features_file": FEATURES,
        "prompts": _pretty(list(prompts)),
        "instruction": "" if told is None else f"INSTRUCTION = {_pretty(told.instruction.strip())}\n",
        "features": _features(recipe),
        "seed": str(recipe.seed),
        "count": str(sampling.count),
        "max_new_tokens": str(sampling.max_new_tokens),
        "temperature": repr(sampling.temperature),
        "top_p": repr(sampling.top_p),
        "conditions": '("baseline", "steered")' if told is None else '("baseline", "prompted", "steered")',
        "options": options_source(),
        "told": _PLAIN if told is None else _TOLD,
        "ends": _ENDS if recipe.scope == "sentence_ends" else "",
        "regex": "import re\n" if recipe.scope == "sentence_ends" else "",
        "in_prompt": _IN_PROMPT[recipe.scope],
        "in_answer": _IN_ANSWER[recipe.scope],
        "reading": _token_scale(sae) + (_feature_acts(sae) if reads else ""),
        "values": _VALUES[recipe.mode],
        "values_note": _VALUES_NOTE[recipe.mode],
        "acts": "    acts = feature_acts(stream)\n" if reads else "",
        "change": _CHANGE[recipe.mode],
        "budget": _BUDGET if shortens else "",
        "scaled": "" if sae.normalization == "none" else "    delta = delta * token_scale(stream)\n",
        "register": _register(ingredients.model.layout, sae.hook_point),
    }
    return Template(_SCRIPT).substitute(parts), _tensors(recipe, sae, reads=reads)


def _register(layout: ModelLayout, hook_point: HookPoint) -> str:
    """How the edit is hooked, as :func:`steering.hooks.edit` does it."""
    if hook_point.site == "resid_mid":
        return _AROUND.replace("$joins", layout.locate(HookPoint(hook_point.layer, "mlp_out")).path)
    return _AFTER if layout.locate(hook_point).end == "output" else _BEFORE


def _tensors(recipe: Recipe, sae: SparseAutoencoder, *, reads: bool) -> dict[str, torch.Tensor]:
    """The rows and columns of the chosen features; a top-k SAE needs its whole encoder to know who is among the k."""
    ids = [feature.feature_id for feature in recipe.features]
    found = {"W_dec": sae.decoder(ids)}
    if reads:
        columns: list[int] | slice = slice(None) if sae.architecture == "topk" else ids
        found |= {"W_enc": sae.encoder(columns), "b_enc": sae.b_enc[columns]}
        if sae.apply_b_dec_to_input:
            found["b_dec"] = sae.b_dec
        for name in ("threshold", "r_mag", "b_mag", "act_scale"):
            tensor = getattr(sae, name)
            if tensor is not None:
                found[name] = tensor[columns]
    return {name: tensor.detach().cpu().contiguous() for name, tensor in found.items()}


def _token_scale(sae: SparseAutoencoder) -> str:
    """The function that tells how large a token's stream is beside what the SAE sees, where that differs by token."""
    if sae.normalization == "none":
        return ""
    scale = "(x.norm(dim=-1, keepdim=True) / x.shape[-1] ** 0.5).clamp_min(torch.finfo(torch.float32).tiny)"
    if sae.normalization == "layer_norm":
        scale = "(x.square().sum(-1, keepdim=True) / (x.shape[-1] - 1)).sqrt()"
    lines = [
        "def token_scale(x):",
        '    """Residual units per unit of the SAE on each token."""',
        *(["    x = x - x.mean(-1, keepdim=True)"] if _centred(sae) else []),
        f"    return {scale}",
    ]
    return "\n".join(lines) + "\n\n\n"


def _centred(sae: SparseAutoencoder) -> bool:
    return sae.center_input or sae.normalization == "layer_norm"


def _feature_acts(sae: SparseAutoencoder) -> str:
    """The function that reads feature activations, for this architecture and normalisation alone."""
    centre = "x - x.mean(-1, keepdim=True)" if _centred(sae) else "x"
    lines = [
        "def feature_acts(x):",
        '    """Activations of the features in the stream x [rows tokens d_model]; never negative."""',
    ]
    if sae.normalization == "layer_norm":
        lines += [f"    x = ({centre}) / (token_scale(x) + 1e-5)"]
    elif sae.normalization == "constant_norm_rescale":
        lines += [f"    x = ({centre}) / token_scale(x)"]
    elif _centred(sae):
        lines += [f"    x = {centre}"]
    if sae.apply_b_dec_to_input:
        lines += ['    x = x - SAE["b_dec"]']
    if sae.architecture == "topk":
        lines += [
            '    pre_acts = x @ SAE["W_enc"] + SAE["b_enc"]',
            f"    values, chosen = pre_acts.topk({sae.k}, dim=-1, sorted=False)",
            "    acts = torch.zeros_like(pre_acts).scatter(-1, chosen, values.relu())",
            *(['    acts = acts * SAE["act_scale"]'] if sae.act_scale is not None else []),
            "    return acts[..., torch.tensor(list(FEATURES), device=x.device)]",
        ]
    elif sae.threshold is not None:
        lines += [
            '    pre_acts = x @ SAE["W_enc"] + SAE["b_enc"]',
            '    return pre_acts.relu() * (pre_acts > SAE["threshold"])',
        ]
    elif sae.r_mag is not None:
        lines += [
            '    projected = x @ SAE["W_enc"]',
            '    magnitude = projected * SAE["r_mag"].exp() + SAE["b_mag"]',
            '    return magnitude.relu() * (projected + SAE["b_enc"] > 0)',
        ]
    else:
        lines += ['    return (x @ SAE["W_enc"] + SAE["b_enc"]).relu()']
    return "\n".join(lines) + "\n\n\n"


def _title(recipe: Recipe) -> str:
    ids = ", ".join(str(feature.feature_id) for feature in recipe.features)
    noun = "feature" if len(recipe.features) == 1 else "features"
    concept = f" ({recipe.concept})" if recipe.concept else ""
    # The title stands in a docstring: nothing of the user's may end it.
    return re.sub(r'[\\"\x00-\x1f]', " ", f"{recipe.model.source} with {noun} {ids}{concept}: {recipe.mode}")


def _left_out(recipe: Recipe) -> str:
    beside = recipe.baselines
    missing = [
        name for name, one in (("DiffMean", beside.diff_mean), ("the LoRA adapter", beside.adapter)) if one is not None
    ]
    return f"Of the recipe's baselines, {' and '.join(missing)} are not here.\n\n" if missing else ""


def _features(recipe: Recipe) -> str:
    lines = [f"    {one.feature_id}: ({one.factor!r}, {one.max_act!r})," for one in recipe.features]
    return "\n".join(["{", *lines, "}"])


def _pretty(value: str | list[str]) -> str:
    if isinstance(value, list):
        return "\n".join(["[", *(f"    {json.dumps(one, ensure_ascii=False)}," for one in value), "]"])
    return json.dumps(value, ensure_ascii=False)


_VALUES = {
    "add": "factor * max_act",
    "clamp": "factor * max_act",
    "min_clamp": "factor * max_act",
    "scale": "factor",
    "ablate": "0.0",
}
_VALUES_NOTE = {
    "add": "what is added to the activation",
    "clamp": "what the activation becomes",
    "min_clamp": "what the activation is raised to where it is below",
    "scale": "what the activation is multiplied by",
    "ablate": "what the activation becomes",
}
_CHANGE = {
    "add": "wanted.expand(*stream.shape[:2], -1)",
    "clamp": "wanted - acts",
    "min_clamp": "torch.maximum(wanted, acts) - acts",
    "scale": "(wanted - 1.0) * acts",
    "ablate": "-acts",
}
_IN_PROMPT = {
    "all": "eligible",
    "prompt": "eligible",
    "generated": "torch.zeros_like(eligible)",
    "sentence_ends": "torch.arange(eligible.shape[1], device=device).expand_as(eligible) == eligible.shape[1] - 1",
}
_IN_ANSWER = {
    "all": "alive",
    "prompt": "torch.zeros_like(alive)",
    "generated": "alive",
    "sentence_ends": "alive & ends_sentence[tokens]",
}
_PLAIN = """def told(condition, prompt):
    return prompt
"""
_TOLD = """def told(condition, prompt):
    return f"{prompt.rstrip()} {INSTRUCTION}" if condition == "prompted" else prompt
"""
_ENDS = r"""
# Which tokens end a sentence: the features are written there, and at the last token before the answer.
_END = re.compile(r"[.!?…。！？][ \"')\]}»”’*_\n]*\Z|\n")
token_texts = tokenizer.batch_decode([[one] for one in range(model.config.get_text_config().vocab_size)])
ends_sentence = torch.tensor([_END.search(text) is not None for text in token_texts])
ends_sentence[[one for one in tokenizer.all_special_ids if one < len(ends_sentence)]] = False
ends_sentence = ends_sentence.to(device)
"""
_BUDGET = """    # Together they move no token further than the strongest of them would alone.
    largest = (change.abs() * SAE["W_dec"].norm(dim=-1)).amax(dim=-1, keepdim=True)
    norm = delta.norm(dim=-1, keepdim=True)
    delta = delta * torch.where(norm > largest, largest / norm.clamp(min=1e-12), torch.ones_like(norm))
"""
_AFTER = """def hook(module, args, output):
    return edit(output) if isinstance(output, torch.Tensor) else (edit(output[0]), *output[1:])


model.get_submodule(MODULE).register_forward_hook(hook)
"""
_BEFORE = """def hook(module, args, kwargs):
    if args:
        return (edit(args[0]), *args[1:]), kwargs
    return args, kwargs | {"hidden_states": edit(kwargs["hidden_states"])}


model.get_submodule(MODULE).register_forward_pre_hook(hook, with_kwargs=True)
"""
_AROUND = """# Between attention and MLP the stream goes into this norm, and round it to where the MLP's output joins.
differences = []


def into_norm(resid):
    edited = edit(resid)
    differences.append(edited - resid)
    return edited


def hook(module, args, kwargs):
    if args:
        return (into_norm(args[0]), *args[1:]), kwargs
    return args, kwargs | {"hidden_states": into_norm(kwargs["hidden_states"])}


def join(module, args, output):
    return output + differences.pop()


model.get_submodule(MODULE).register_forward_pre_hook(hook, with_kwargs=True)
model.get_submodule("$joins").register_forward_hook(join)
"""

_SCRIPT = '''"""$title

$left_out    python steer.py                  prints every answer beside the untouched one
    python steer.py --json           the same with token ids, for programs
    python steer.py --device cuda    on another device
    python steer.py --model PLACE    with the model from another folder or Hub id

It needs torch, transformers and safetensors. Written by Steerscope from recipe $digest.
"""

import argparse
import json
${regex}import zlib
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file
from transformers import AutoModelForCausalLM, AutoTokenizer

HERE = Path(__file__).resolve().parent
MODEL = $model
REVISION = $revision
DTYPE = $dtype
MODULE = "$module"  # $end is the stream at $hook_point

PROMPTS = $prompts
${instruction}CONDITIONS = $conditions

FEATURES = $features
"""feature: (factor, max_act), where max_act is the unit of the factor, the largest activation that was measured."""

SEED = $seed
SAMPLES = $count  # per prompt
MAX_NEW_TOKENS = $max_new_tokens
TEMPERATURE = $temperature
TOP_P = $top_p

parser = argparse.ArgumentParser()
parser.add_argument("--model", default=MODEL)
parser.add_argument("--device", default="cpu")
parser.add_argument("--json", action="store_true")
options = parser.parse_args()
device = torch.device(options.device)
torch.set_grad_enabled(False)

revision = REVISION if options.model == MODEL else "main"
tokenizer = AutoTokenizer.from_pretrained(options.model, revision=revision)
model = AutoModelForCausalLM.from_pretrained(options.model, revision=revision, dtype=DTYPE, use_safetensors=True)
model = model.to(device).eval()
SAE = {name: tensor.to(device) for name, tensor in load_file(HERE / "$features_file").items()}
${ends}

# --- The prompt ------------------------------------------------------------------------------------------------------


$told

def encode(prompt):
    """Token ids with one BOS, and which of them are words of the prompt: not BOS, not the chat template's."""
    before, after = "", ""
    if tokenizer.chat_template:
        before, after = in_template("\\ue000").split("\\ue000")
        if before + prompt + after != in_template(prompt):
            prompt = prompt.strip()  # as many templates do
    first = len(before) + len(prompt) - len(prompt.lstrip())
    last = len(before) + len(prompt.rstrip())
    read = tokenizer(before + prompt + after, add_special_tokens=False, return_offsets_mapping=True)
    ids = read["input_ids"]
    eligible = [begin < last and end > first for begin, end in read["offset_mapping"]]
    if tokenizer.bos_token_id is not None:
        while ids and ids[0] == tokenizer.bos_token_id and not eligible[0]:
            del ids[0], eligible[0]
        ids, eligible = [tokenizer.bos_token_id, *ids], [False, *eligible]
    return ids, eligible


def in_template(prompt):
    turns = [{"role": "user", "content": prompt}]
    return tokenizer.apply_chat_template(turns, tokenize=False, add_generation_prompt=True, $options)


# --- The edit --------------------------------------------------------------------------------------------------------

rows = [(c, p, s) for c in CONDITIONS for p in PROMPTS for s in range(SAMPLES)]
steered = torch.tensor([place for place, (c, _, _) in enumerate(rows) if c == "steered"], device=device)
# One number per feature: $values_note.
wanted = torch.tensor([$values for factor, max_act in FEATURES.values()], dtype=torch.float32, device=device)
written = None  # [rows tokens], which tokens of the present chunk are written


${reading}def edit(resid):
    """The stream [rows tokens d_model] with the features written; whatever the SAE does not explain stays."""
    stream = resid[steered].float()
${acts}    change = $change
    delta = change @ SAE["W_dec"]
${budget}${scaled}    moved = written[steered] & (delta != 0).any(dim=-1)
    new = torch.where(moved[..., None], (stream + delta).to(resid.dtype), resid[steered])
    return resid.index_copy(0, steered, new)


${register}

# --- The answers -----------------------------------------------------------------------------------------------------


def uniforms(prompt, sample, count):
    """The same numbers under every condition, so that only the intervention makes answers differ."""
    generator = np.random.Generator(np.random.PCG64([SEED, sample, zlib.crc32(prompt.encode())]))
    return torch.from_numpy(generator.random(count))


def draw(logits, uniform):
    """One token a row: the cumulative distribution turned round at a uniform number."""
    if TEMPERATURE == 0:
        return logits.argmax(dim=-1)
    probabilities = (logits.double() / TEMPERATURE).softmax(dim=-1)
    if TOP_P < 1:
        ordered, order = probabilities.sort(dim=-1, descending=True)
        outside = ordered.cumsum(dim=-1) - ordered >= TOP_P
        probabilities = torch.zeros_like(probabilities).scatter(-1, order, ordered.masked_fill(outside, 0.0))
    cumulative = probabilities.cumsum(dim=-1)
    target = uniform.to(cumulative)[:, None] * cumulative[:, -1:]
    return torch.searchsorted(cumulative, target, right=True)[:, 0].clamp(max=logits.shape[-1] - 1)


encoded = [encode(told(condition, prompt)) for condition, prompt, _ in rows]
width = max(len(ids) for ids, _ in encoded)
pad = tokenizer.pad_token_id if tokenizer.pad_token_id is not None else tokenizer.eos_token_id or 0
tokens = torch.tensor([[pad] * (width - len(ids)) + ids for ids, _ in encoded], device=device)
mask = torch.tensor([[0] * (width - len(ids)) + [1] * len(ids) for ids, _ in encoded], device=device)
eligible = torch.tensor([[False] * (width - len(ids)) + own for ids, own in encoded], device=device)
positions = (mask.cumsum(-1) - 1).clamp(min=0)
context = getattr(model.config.get_text_config(), "max_position_embeddings", 1024)
limits = [min(MAX_NEW_TOKENS, context - len(ids)) for ids, _ in encoded]
random = torch.stack([uniforms(prompt, sample, max(limits)) for _, prompt, sample in rows])
stops = model.generation_config.eos_token_id
stops = ({stops} if isinstance(stops, int) else set(stops or ())) | {tokenizer.eos_token_id}

answers = [[] for _ in rows]
active = [True] * len(rows)
written = $in_prompt
past = None
for step in range(max(limits)):
    output = model(
        input_ids=tokens,
        attention_mask=mask,
        position_ids=positions,
        past_key_values=past,
        use_cache=True,
        logits_to_keep=1,
    )
    past = output.past_key_values
    drawn = draw(output.logits[:, -1].float(), random[:, step])
    for row, token in enumerate(drawn.tolist()):
        if active[row]:
            answers[row].append(token)
            active[row] = token not in stops and len(answers[row]) < limits[row]
    if not any(active):
        break
    alive = torch.tensor(active, device=device)[:, None]
    tokens = drawn[:, None]
    mask = torch.cat([mask, alive.long()], dim=1)
    positions = (mask.sum(-1, keepdim=True) - 1).clamp(min=0)
    written = $in_answer

found = [
    {
        "condition": condition,
        "prompt": prompt,
        "sample": sample,
        "text": tokenizer.decode(answer, skip_special_tokens=True).strip(),
        "token_ids": answer,
    }
    for (condition, prompt, sample), answer in zip(rows, answers)
]
if options.json:
    print(json.dumps({"completions": found}, ensure_ascii=False, indent=2))
else:
    for one in found:
        print(f"[{one['condition']}] {one['prompt']}\\n{one['text']}\\n")
'''
