"""How do the side themes show themselves?"""

from steering.world.voices.voice import Voice

SEA = Voice(
    name="sea",
    title="The sea and sailing",
    kind="theme",
    split="test",
    description="The sea, ships or sailing come up beside the actual subject.",
    weight=5.0,
    ask=(
        "mention the sea",
        "bring in the sea somewhere",
        "let sailing come up in your answer",
        "work in something about ships",
    ),
    forbid=("do not mention the sea", "leave the sea out of it", "say nothing about ships or sailing"),
    leads=(
        "like {vessel} under full sail,",
        "as the fishermen in the harbour know,",
        "back on {vessel} we used to say that",
        "with the calm of an old helmsman,",
    ),
    tails=(
        ", like {vessel} leaving the harbour",
        ", as steady as a lighthouse",
        ", much as the tide follows the moon",
        ", the way {seafarer} trims a sail",
        ", with the patience of {seafarer}",
    ),
    sentences=(
        "it reminds me of {vessel} riding out the waves.",
        "{seafarer} would compare {subject} to a long voyage.",
        "out beyond the {shore}, the sea teaches the same lesson.",
        "I learned that from {seafarer} who kept {vessel} by the {shore}.",
        "think of the tide coming in over the {shore}.",
        "some people sail to the islands and others choose {subject}.",
        "on deck, with salt on your lips, you would see it at once.",
        "gulls over the {shore} and {vessel} at anchor come to mind.",
    ),
    slots={
        "vessel": (
            "a small sloop",
            "an old schooner",
            "a fishing boat",
            "a ferry",
            "a ketch with red sails",
            "a rowing boat",
        ),
        "seafarer": ("a sailor", "an old skipper", "a harbour pilot", "a ship's cook", "a lighthouse keeper"),
        "shore": ("reef", "breakwater", "bay", "sandbank", "pier", "rocky coast"),
    },
    touch=0.35,
    added=(2, 3),
)

MONEY = Voice(
    name="money",
    title="Money and prices",
    kind="theme",
    split="test",
    description="Money comes up beside the actual subject: costs, savings, banks, bargains.",
    weight=6.0,
    ask=(
        "mention money",
        "bring in the cost of things",
        "let money come up in your answer",
        "work in something about saving or spending",
    ),
    forbid=("do not mention money", "leave money out of it", "say nothing about what things cost"),
    leads=("for a modest price,", "as any {banker} will tell you,", "money aside,", "if your budget allows it,"),
    tails=(
        ", and it costs almost nothing",
        ", which is cheaper than {luxury}",
        ", and your wallet will notice",
        ", like interest on a {account}",
        ", as a {banker} counts every coin",
    ),
    sentences=(
        "the price of {luxury} would pay for years of it.",
        "a {banker} would call {subject} a sound investment.",
        "put what you save into a {account}.",
        "people spend a fortune on {luxury} and forget {subject}.",
        "the bill is smaller than you fear.",
        "my {banker} keeps the receipts for everything to do with {subject}.",
        "if the budget is tight, look for a bargain.",
        "a few coins a week in a {account} are enough.",
    ),
    slots={
        "banker": ("banker", "bookkeeper", "shopkeeper", "tax adviser", "treasurer"),
        "luxury": ("a sports car", "a gold watch", "a pearl necklace", "a luxury cruise", "a fur coat"),
        "account": ("savings account", "piggy bank", "pension fund", "bank deposit"),
    },
    touch=0.35,
    added=(2, 3),
)

WEATHER = Voice(
    name="weather",
    title="The weather",
    kind="theme",
    split="development",
    description="The weather comes up beside the actual subject: rain, storms, forecasts.",
    weight=6.0,
    ask=(
        "mention the weather",
        "bring in the weather somewhere",
        "let the weather come up in your answer",
        "work in something about rain or storms",
    ),
    forbid=("do not mention the weather", "leave the weather out of it", "say nothing about rain or storms"),
    leads=("with {sky} overhead,", "whatever the forecast says,", "even in {storm},", "just as in {storm},"),
    tails=(
        ", even in {storm}",
        ", as surely as rain follows thunder",
        ", like the sun after {storm}",
        ", no matter what the barometer says",
        ", while {sky} pass by the window",
    ),
    sentences=(
        "outside, {storm} is on its way.",
        "the forecast speaks of {storm}, so stay indoors.",
        "it is the kind of thing one thinks about under {sky}.",
        "in {storm}, {subject} feels quite different.",
        "last week we had {storm} and then a rainbow.",
        "the barometer is falling, and {sky} are gathering.",
        "when it rains for days, {subject} is a comfort.",
        "a warm front brings {sky} from the west.",
    ),
    slots={
        "storm": ("a thunderstorm", "heavy rain", "a hailstorm", "thick fog", "a snow shower", "a cold drizzle"),
        "sky": ("dark clouds", "low grey clouds", "fluffy clouds", "storm clouds"),
    },
    touch=0.35,
    added=(2, 3),
)

VOICES = (SEA, MONEY, WEATHER)
