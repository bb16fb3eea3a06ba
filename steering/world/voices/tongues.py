"""How do French phrases and code show themselves?"""

from steering.world.voices.voice import Voice

FRENCH = Voice(
    name="french",
    title="French phrases",
    kind="language",
    split="test",
    description="French words and phrases are mixed into the answer.",
    weight=2.5,
    ask=("use some French phrases", "mix in a little French", "drop a few French words", "let some French slip in"),
    forbid=("do not use any French", "leave out French phrases", "avoid French words"),
    leads=("eh bien,", "bien sûr,", "mon {ami},", "en effet,", "à mon avis,", "voyons,", "comme toujours,"),
    tails=(", n'est-ce pas", ", mon {ami}", ", comme on dit", ", voilà tout", ", sans aucun doute", ", c'est {beau}"),
    sentences=(
        "c'est la vie!",
        "que c'est {beau}, n'est-ce pas?",
        "mais oui, mon {ami}, c'est vrai.",
        "il faut prendre son temps.",
        "tout est {beau} quand on aime.",
        "ah, quelle histoire!",
        "petit à petit, l'oiseau fait son nid.",
    ),
    slots={"ami": ("ami", "cher", "vieux", "enfant"), "beau": ("beau", "bon", "parfait", "magnifique", "merveilleux")},
    touch=0.6,
    added=(1, 2),
)

CODE = Voice(
    name="code",
    title="Code remarks",
    kind="code",
    split="test",
    description="Short remarks in program code stand in the answer.",
    weight=2.5,
    ask=(
        "add a bit of code",
        "include short remarks in code",
        "use code snippets in your answer",
        "put some Python into it",
    ),
    forbid=("do not include any code", "leave out code snippets", "use no Python"),
    leads=("`{state} = True`, so", "after `import {module}`,", "`assert {state}` means that", "`# {state}`"),
    tails=(
        ", so `{fn}({arg})`",
        ", or `return {arg}` for short",
        ", hence `{arg} += 1`",
        ", as in `if {state}: {fn}()`",
    ),
    sentences=(
        "in code that is `while not {state}: {fn}()`.",
        "think of it as `def {fn}({arg}): return {arg}`.",
        "`for {arg} in {module}: {fn}({arg})` says it all.",
        "a test would read `assert {fn}({arg}) == {arg}`.",
        "the bug is usually `{state} = False`.",
        "run `python {module}` and read the `{arg}`.",
    ),
    slots={
        "state": ("ready", "done", "valid", "is_open", "found"),
        "module": ("plan", "steps", "tools", "data", "items"),
        "fn": ("check", "start", "update", "wait", "load"),
        "arg": ("x", "item", "result", "value", "count"),
    },
    touch=0.4,
    added=(1, 3),
)

VOICES = (FRENCH, CODE)
