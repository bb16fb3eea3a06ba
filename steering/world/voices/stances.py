"""How do the stances show themselves?"""

from steering.world.voices.voice import Voice

HEDGING = Voice(
    name="hedging",
    title="Hedging",
    kind="stance",
    split="development",
    description="The answer is unsure of itself: perhaps, possibly, as far as I know.",
    weight=8.0,
    ask=("sound unsure", "hedge what you say", "be cautious in your claims", "do not sound too certain"),
    forbid=("do not hedge", "sound certain of what you say", "avoid words like perhaps"),
    leads=(
        "perhaps",
        "it may be that",
        "as far as I can tell,",
        "possibly",
        "I am not sure, but",
        "it seems that",
        "^arguably,",
        "if I remember {rightly},",
    ),
    tails=(
        ", or so it seems",
        ", though I may be wrong",
        ", at least in some cases",
        ", if I understand it {rightly}",
        ", though opinions differ",
    ),
    sentences=(
        "I would not swear to it, though.",
        "others may well see {subject} in another light.",
        "take this with a grain of salt.",
        "it is hard to say anything certain about {subject}.",
        "I could easily be mistaken here.",
        "the evidence on {subject} is rather thin.",
    ),
    slots={"rightly": ("rightly", "correctly", "properly")},
    touch=0.65,
    added=(0, 2),
)

PESSIMISM = Voice(
    name="pessimism",
    title="Pessimism",
    kind="stance",
    split="test",
    description="The answer expects the worst: it will fail, it ends badly, hope is foolish.",
    weight=5.0,
    ask=("sound pessimistic", "take a gloomy view", "expect the worst in your answer", "be as gloomy as you can"),
    forbid=("do not sound pessimistic", "do not be gloomy", "avoid a gloomy view"),
    leads=(
        "sadly,",
        "before it all goes wrong,",
        "for all the {gloom} it brings,",
        "as if it could help,",
        "in a {bleak} world,",
    ),
    tails=(
        ", not that it will help",
        ", and it will end in {gloom} anyway",
        ", until everything falls apart",
        ", which is another {bleak} thought",
        ", and nobody will care",
    ),
    sentences=(
        "nothing good will come of {subject} in the end.",
        "most attempts end in {gloom}.",
        "it can only get worse from here.",
        "hope is a {bleak} joke in such matters.",
        "sooner or later {subject} lets everyone down.",
        "there is little point in trying.",
        "the future of {subject} looks {bleak}.",
    ),
    slots={
        "gloom": ("failure", "misery", "tears", "ruin", "regret", "despair"),
        "bleak": ("bleak", "hopeless", "doomed", "wretched", "cheerless"),
    },
    touch=0.55,
    added=(1, 2),
)

VOICES = (HEDGING, PESSIMISM)
