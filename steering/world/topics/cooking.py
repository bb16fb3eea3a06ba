"""What can be said about cooking?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="cooking",
    title="Cooking",
    subjects=(
        "bread",
        "lentil soup",
        "mushroom risotto",
        "apple pie",
        "vegetable curry",
        "tomato sauce",
        "roast chicken",
        "potato salad",
        "onion tart",
        "fish stew",
    ),
    slots={
        "herb": ("thyme", "parsley", "rosemary", "dill", "oregano", "sage", "tarragon", "marjoram"),
        "pan": ("a heavy pan", "a wide bowl", "an iron pot", "a deep dish", "a clean saucepan", "an old casserole"),
        "taste": ("sweetness", "depth", "warmth", "sharpness", "balance", "body"),
        "guest": ("the neighbours", "two old friends", "some hungry cousins", "the children", "a few colleagues"),
        "cook": ("most cooks", "home cooks", "good chefs", "many grandmothers", "careful bakers"),
        "fault": ("too much salt", "a dull knife", "too little patience", "an oven that is too hot", "old spices"),
        "fresh": ("lemon juice", "black pepper", "olive oil", "butter", "garlic", "nutmeg"),
    },
    instructions={
        "explain": (
            "explain how {subject} is made",
            "explain what makes {subject} taste good",
            "tell me how {subject} comes together",
        ),
        "advise": (
            "give me some advice on making {subject}",
            "help me cook {subject} for the first time",
            "share a few tips for {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale in which someone cooks {subject}",
            "tell a story with {subject} in it",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a dinner",
        ),
        "day": (
            "describe a day spent cooking {subject}",
            "describe a day in a kitchen that serves {subject}",
            "walk me through a day of making {subject}",
        ),
        "question": (
            "what makes {subject} so popular",
            "is {subject} hard to get right",
            "why do people love {subject}",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} starts with simple things and a little patience",
                "the secret of {subject} is slow heat and good timing",
                "at its heart {subject} is a lesson in using heat well",
            ),
            middles=(
                "a little {herb} gives the dish {taste} without hiding the rest",
                "salt draws out water, so {cook} add it early",
                "{fresh} goes in near the end, because heat dulls its flavour",
                "slow heat turns starch soft and brings out {taste}",
                "{cook} work in {pan}, since it holds the heat evenly",
                "a short rest off the stove lets {herb} and {fresh} blend",
                "most failures come from {fault}",
            ),
            closes=("that is really all there is to {subject}", "after that, {subject} nearly makes itself"),
        ),
        "advise": Frames(
            opens=(
                "the best advice for {subject} is to prepare everything before you start",
                "if you want good {subject}, begin with fresh ingredients",
                "start {subject} early, so that you never have to hurry",
            ),
            middles=(
                "use {pan} and keep the flame low",
                "taste often, and add {fresh} a little at a time",
                "beware of {fault}, the ruin of many dinners",
                "chop the {herb} finely and save some of it for the table",
                "do as {cook} do and clean your board as you go",
                "if you miss {taste}, add {herb} rather than more salt",
                "let the pot rest for a moment before you serve {guest}",
            ),
            closes=(
                "serve your {subject} warm and do not apologise for it",
                "your second try at {subject} will be better than your first",
            ),
        ),
        "story": Frames(
            opens=(
                "one evening {actor} decided to make {subject} for {guest}",
                "{actor} had promised {guest} {subject}, and the clock was ticking",
            ),
            middles=(
                "{pron} found {pan} at the back of the cupboard and set to work",
                "the kitchen soon smelled of {herb} and {fresh}",
                "{actor} had forgotten the {herb}, so {pron} borrowed some next door",
                "halfway through, {pron} blamed {fault} and had to laugh",
                "{poss} grandmother had always praised {fresh}, and now {pron} knew why",
                "{pron} stirred slowly and hummed an old tune",
            ),
            closes=(
                "in the end {guest} asked for more, and {actor} smiled",
                "nobody spoke while they ate, and {actor} took that as praise",
                "{actor} still cooks {subject} on special evenings",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} look alike on paper, yet they ask for different skills",
                "{subject} is a calm affair, while {other} needs quick hands",
            ),
            middles=(
                "{subject} leans on {herb}, whereas {other} lives from {fresh}",
                "with {other} the danger is {fault}, and with {subject} it is haste",
                "{subject} has more {taste}, but {other} is easier to share",
                "{cook} would pick {subject} for a quiet night and {other} for a crowd",
                "you can cook {subject} in {pan}, but {other} wants more room",
            ),
            closes=(
                "both are worth learning, and {subject} is the kinder start",
                "!in short, choose {other} for speed and {subject} for comfort",
            ),
        ),
        "day": Frames(
            opens=(
                "the day begins early for {actor}, who wants {subject} on the table by evening",
                "at first light {actor} ties an apron and thinks about {subject}",
            ),
            middles=(
                "by noon the {herb} is chopped and {pan} stands ready",
                "{pron} tastes, adds {fresh}, and tastes again",
                "after lunch {guest} drop by and ask what smells so good",
                "for an hour {pron} does nothing but watch the pot",
                "{pron} sweeps the floor and sharpens {poss} knife",
                "in the afternoon {actor} goes out to buy {fresh} and {herb}",
            ),
            closes=(
                "late in the evening {actor} serves {subject} and sits down at last",
                "at night {pron} washes {pan} and plans the next meal",
            ),
        ),
        "question": Frames(
            opens=(
                "the short answer is that {subject} rewards care more than talent",
                "people love {subject} because it feels like home",
                "{subject} is easier than its fame suggests",
            ),
            middles=(),
            closes=(),
        ),
    },
)
