"""Where does a result come from, what failed in it, and how does it leave the app?"""

import json
from pathlib import Path

import pandas as pd
import streamlit as st

from steering.benchmark.command import command_line
from steering.benchmark.judged import replies_sentence
from steering.benchmark.runs import Run
from steering.benchmark.stored import StoredResult
from steering.exports.spreadsheet import inert
from steering.presets import sae_title
from steering.world import shipped
from ui.benchmark_source import Source, replies_of, table_of
from ui.benchmark_style import titled
from ui.errors import boundary
from ui.text import counted, plain

POSITIONS = {"all": "all tokens", "sentence_ends": "tokens that end a sentence"}


def origin_view(source: Source) -> None:
    """Manifest, failures, command and downloads."""
    left, right = st.columns([3, 2], gap="large")
    with left:
        st.markdown("**Manifest**")
        st.table(facts(source), border="horizontal", hide_header=True)
    with right:
        _downloads(source)
    _failures(source)
    st.markdown("**The command that makes it again**")
    with boundary():
        st.code(command_line(source.settings, f"runs/{source.name}"), language="bash", wrap_lines=True)


def facts(source: Source) -> dict[str, list[str]]:
    """What is known about a result, name and value."""
    settings, manifest = source.settings, source.manifest
    sae = shipped_sae(manifest.sae)
    machine = manifest.machine
    rows = {
        "kind": "stored with Steerscope" if isinstance(source, StoredResult) else "run on this server",
        "made (UTC)": source.made,
        "model": settings.model,
        "SAE": f"{sae or 'unknown'} (the preset's default)" if settings.sae is None else sae_title(settings.sae),
        "judge": settings.judge,
        "judge's replies": replies_sentence(replies_of(source)) or "none are read: it knows the truth",
        "seeds": ", ".join(map(str, settings.seeds)),
        "prompts": f"{settings.n_select} to choose the factor on, {settings.n_test} to score on "
        f"(drawn with seed {settings.prompt_seed})",
        "examples": f"{settings.n_examples} with and {settings.n_examples} without the concept",
        "answers": f"{counted(settings.n_completions, 'text')} of at most {settings.max_new_tokens} tokens at "
        f"temperature {settings.temperature:g}",
        "positions": f"features and directions are read and written at {POSITIONS[settings.positions]}",
        "test half": "every factor" if settings.test_factors == "all" else "chosen factor alone",
        "weights": _short(manifest.weights),
        "SAE file": _short(manifest.sae),
        "examples and prompts": _short(manifest.inputs),
        "code": _short(manifest.code)
        + "".join(f", rows of other code too: {_short(other)}" for other in manifest.other_codes),
        "machine": f"{machine.get('system')} {machine.get('processor')}, {machine.get('cores')} cores",
        "versions": ", ".join(f"{name} {number}" for name, number in manifest.versions.items()),
    }
    return {"": list(rows), " ": [plain(str(value)) for value in rows.values()]}


def shipped_sae(digest: str) -> str | None:
    """Name of the world's SAE whose weights have this SHA-256, None where none of those here has.

    Raises:
        WorldError: the world's manifest cannot be read.
    """
    for file, found in shipped.manifest()["sha256"].items():
        if digest and found == digest and "/saes/" in file:
            return str(Path(file).parent.name)
    return None


def origin_note(source: Source) -> None:
    """Say where a stored result is of an SAE that is not here any more."""
    if isinstance(source, StoredResult) and shipped_sae(source.manifest.sae) is None:
        st.warning(
            "This result was made with an SAE that is not among those of the world here; its numbers are those of "
            "another world.",
            icon=":material/history:",
        )


def _short(digest: str) -> str:
    return f"SHA-256 {digest[:16]}…" if digest else "not known"


def _failures(source: Source) -> None:
    st.markdown("**Units without a result**")
    if not source.failures:
        st.caption(":green[:material/check_circle:] None: every unit that was tried has one.")
        return
    rows = [
        {"method": titled(one.method), "concept": one.concept, "seed": one.seed, "why": one.error}
        for one in source.failures
    ]
    st.dataframe(pd.DataFrame(rows), hide_index=True, key="benchmark_failures", height=min(300, 38 + 35 * len(rows)))


def _downloads(source: Source) -> None:
    st.markdown("**Take it with you**")
    with st.container(horizontal=True, key="benchmark_downloads"):
        st.download_button(
            "Results as Parquet", lambda: parquet(source), file_name=f"{source.name}.parquet",
            mime="application/vnd.apache.parquet", key="benchmark_parquet", icon=":material/download:",
            on_click="ignore", help="A row per answer",
        )  # fmt: skip
        st.download_button(
            "Results as CSV", lambda: csv(source), file_name=f"{source.name}.csv", mime="text/csv",
            key="benchmark_csv", icon=":material/download:", on_click="ignore",
            help="The same numbers without texts; large for a whole benchmark",
        )  # fmt: skip
        st.download_button(
            "Manifest", lambda: manifest_json(source), file_name=f"{source.name}-manifest.json",
            mime="application/json", key="benchmark_manifest", icon=":material/download:", on_click="ignore",
        )  # fmt: skip


def parquet(source: Source) -> bytes:
    """All columns; a stored result as the file that it is.

    Raises:
        SteeringError: it cannot be read.
    """
    if isinstance(source, StoredResult):
        return source.path.read_bytes()
    return bytes(source.read(source.columns).to_parquet())


def csv(source: Source) -> bytes:
    """The columns that the evidence is made of; no concept's name is taken for a formula by a spreadsheet.

    Raises:
        SteeringError: it cannot be read.
    """
    table = table_of(source)
    return table.assign(concept=table["concept"].astype(str).map(inert)).to_csv(index=False).encode()


def manifest_json(source: Source) -> bytes:
    """The manifest as JSON, with what failed."""
    failures = [{"unit": str(one.unit), "error": one.error, "is_bug": one.is_bug} for one in source.failures]
    left = source.n_left if isinstance(source, Run) else 0
    told = {**source.manifest.to_json(), "made": source.made, "failures": failures, "units_left": left}
    return (json.dumps(told, indent=2, sort_keys=True) + "\n").encode()
