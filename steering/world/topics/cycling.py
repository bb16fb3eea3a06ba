"""What can be said about cycling?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="cycling",
    title="Cycling",
    subjects=(
        "commuting by bike",
        "bike touring",
        "mountain biking",
        "track racing",
        "gravel riding",
        "hill climbing",
        "night riding",
        "group riding",
        "downhill racing",
        "bike polo",
    ),
    slots={
        "part": ("the chain", "the brakes", "the tyres", "the saddle", "the gears", "the wheels"),
        "way": ("the canal path", "a quiet lane", "the road over the pass", "a forest track", "the ring road"),
        "rider": ("most riders", "the regulars at the club", "experienced cyclists", "beginners", "the fast group"),
        "gain": ("strong legs", "a clear head", "better balance", "more confidence", "a good night's sleep"),
        "trouble": ("a flat tyre", "a loose bolt", "a sore back", "a missed turn", "a broken spoke"),
        "kit": ("a light jacket", "a spare tube", "a pair of gloves", "a small pump", "a bright lamp"),
    },
    instructions={
        "explain": (
            "explain what {subject} involves",
            "explain how {subject} trains the body",
            "tell me how {subject} works",
        ),
        "advise": (
            "give me some advice on {subject}",
            "help me get started with {subject}",
            "share a few tips for {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about {subject}",
            "tell a story about someone who tries {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a hobby",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a day in the life of a fan of {subject}",
            "walk me through a day of {subject}",
        ),
        "question": ("why do people enjoy {subject}", "is {subject} dangerous", "what is needed for {subject}"),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} is mostly a matter of rhythm and attention",
                "the basic skill in {subject} is to look where you want to go",
                "in {subject} the body learns to spend its strength slowly",
            ),
            middles=(
                "{rider} keep {part} clean, because dirt costs speed",
                "on {way} the legs learn to turn in smooth circles",
                "after a few weeks it brings {gain}",
                "{part} must be set up well, or {trouble} will follow",
                "the heart grows stronger on {way} than in any gym",
                "{rider} shift early and leave {part} in peace",
                "small things such as {trouble} teach more than any book",
            ),
            closes=(
                "seen this way, {subject} is simple but never dull",
                "that is how {subject} turns effort into {gain}",
            ),
        ),
        "advise": Frames(
            opens=(
                "start {subject} with short rides and a bike that fits",
                "the first thing to buy for {subject} is {kit}",
                "do not try to be fast at {subject} in your first month",
            ),
            middles=(
                "check {part} before every ride",
                "carry {kit}, even on {way}",
                "learn to mend {trouble} at home, where it is warm and dry",
                "ride {way} until you know every bend",
                "follow {rider} and copy their line",
                "eat before you are hungry and rest before {trouble} forces you to",
                "write down how you feel, and {gain} will come in time",
            ),
            closes=(
                "after a season of {subject} you will have {gain}",
                "above all, enjoy {subject} and smile at {rider}",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} laughed at {subject} until a friend lent {pron_obj} a bike",
                "it was the last day of the season, and {actor} wanted to try {subject}",
            ),
            middles=(
                "on {way} {pron} heard a noise and thought of {trouble}",
                "{rider} waited at the top and offered {kit}",
                "{pron} had packed {kit} and nothing else",
                "halfway along {way} {pron} began to sing",
                "{actor} fell once, checked {part}, and climbed back on",
                "then {trouble} stopped {pron_obj} within sight of the finish",
            ),
            closes=(
                "{actor} came home late, tired, and with {gain}",
                "from then on {actor} talked of nothing but {subject}",
                "{rider} still tell that story about {actor}",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} use the same muscles in different moods",
                "{subject} calms the mind, while {other} wakes it up",
            ),
            middles=(
                "{subject} wears out {part}, whereas {other} wears out the rider",
                "for {subject} you need {kit}, but {other} needs far more",
                "{rider} begin with {subject} and drift toward {other}",
                "{other} is at its best on {way}, and {subject} works anywhere",
                "{subject} gives you {gain}, but {other} gives you stories",
            ),
            closes=(
                "whoever has time should try both {subject} and {other}",
                "all in all, {subject} is easier to keep up",
            ),
        ),
        "day": Frames(
            opens=(
                "for {actor} a day of {subject} starts with strong coffee",
                "at dawn {actor} pumps up the tyres and thinks of {subject}",
            ),
            middles=(
                "{pron} oils {part} and packs {kit}",
                "the first hour on {way} is slow and silent",
                "around noon {pron} meets {rider} at the fountain",
                "{trouble} costs half an hour, but nobody complains",
                "after a short rest {actor} takes {way} at full speed",
                "{pron} shares {kit} with a stranger",
            ),
            closes=(
                "by evening {actor} is home, dusty and with {gain}",
                "before bed {actor} cleans {part} and plans more {subject}",
            ),
        ),
        "question": Frames(
            opens=(
                "the fair answer is that {subject} is as safe as the rider",
                "people enjoy {subject} because it leaves them with {gain}",
                "{subject} needs less talent than stubbornness",
            ),
            middles=(),
            closes=(),
        ),
    },
)
