"""What can be said about architecture?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="architecture",
    title="Architecture",
    subjects=(
        "house design",
        "school design",
        "museum design",
        "theatre design",
        "library design",
        "interior design",
        "hotel design",
        "church architecture",
        "modern architecture",
        "rural architecture",
    ),
    slots={
        "place": ("the roof", "the staircase", "the main hall", "the front wall", "the entrance", "the upper floor"),
        "material": ("brick", "oak", "limestone", "glass", "concrete", "steel"),
        "crew": ("the carpenters", "the builders", "the architects", "the painters", "the engineers"),
        "tool": ("a sharp pencil", "a tape measure", "a folding ruler", "a spirit level", "a thick sketchbook"),
        "effect": ("warmth", "calm", "dignity", "charm", "character", "harmony"),
        "defect": ("a crooked wall", "a dark corridor", "a cracked beam", "a draughty window", "a damp cellar"),
        "user": ("the owners", "the guests", "the visitors", "the clients", "the townspeople"),
    },
    instructions={
        "explain": (
            "explain the basics of {subject}",
            "explain how {subject} shapes a building",
            "tell me what good {subject} looks like",
        ),
        "advise": (
            "give me some advice on {subject}",
            "help me plan a project in {subject}",
            "share a few tips for {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about {subject}",
            "tell a story about someone who works in {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a career",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a working day in {subject}",
            "walk me through a day spent on {subject}",
        ),
        "question": ("why does {subject} matter", "is {subject} hard to learn", "what makes {subject} interesting"),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} gives a building its order and its purpose",
                "the aim of {subject} is a building that serves its people",
                "good {subject} begins with a careful look at daylight and space",
            ),
            middles=(
                "{material} gives {place} {effect} when it is used with care",
                "{crew} study every drawing before they work on {place}",
                "a clear plan for {place} brings {effect} to the whole building",
                "{defect} usually means a mistake in the plans",
                "{user} judge a building by the {effect} of its rooms",
                "careful builders test {material} before they use it",
                "daylight changes the look of {material} from hour to hour",
            ),
            closes=(
                "the final judges of {subject} are the people inside the building",
                "that is why {subject} calls for both art and skill",
            ),
        ),
        "advise": Frames(
            opens=(
                "begin {subject} with a simple sketch of the whole building",
                "before you start on {subject}, talk to the people who will use the rooms",
                "learn {subject} by visiting buildings that you admire",
            ),
            middles=(
                "take {tool} with you whenever you visit the site",
                "measure {place} again before you order any {material}",
                "let {crew} look at your plans for {place}",
                "ask {user} how they would like to use the rooms",
                "deal with {defect} before you paint anything",
                "ask for a sample of {material} and look at it in daylight",
                "draw {place} by hand and keep {tool} within reach",
            ),
            closes=(
                "call your work in {subject} complete only when {user} feel at home",
                "stay patient with {subject} and trust your eye",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} had studied {subject} for years before the town asked {pron_obj} for help",
                "when {actor} took up {subject}, nobody in the village believed in {pron_obj}",
            ),
            middles=(
                "before {place} was finished, {pron} discovered {defect}",
                "{crew} shook their heads and asked for new plans",
                "{actor} took {tool} and went back to {place}",
                "all through the night {pron} dreamed of {material} and {material2}",
                "{user} came to look at {place} and fell silent",
                "{crew} worked until dark, and {actor} held the lamp",
            ),
            closes=(
                "when the doors opened, {user} praised {actor} for {poss} work",
                "the building stands to this day, and {actor} still loves {subject}",
                "{actor} kept {tool} as a memory of that building",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} asks for a bold idea, while {other} asks for a steady hand",
                "{subject} and {other} share the same rules but not the same goals",
            ),
            middles=(
                "in {subject} people notice {place}, but in {other} they notice the light",
                "in {subject} the great enemy is {defect}, and in {other} it is haste",
                "{crew} enjoy {subject}, but they respect {other} even more",
                "{material} suits {subject} well, whereas {other} looks better in {material2}",
                "{subject} brings {effect} to a room, but {other} changes how people live",
            ),
            closes=(
                "a good architect learns from both {subject} and {other}",
                "{subject} takes longer to learn than {other}",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} spends the whole day on {subject} and begins before breakfast",
                "in the early morning {actor} opens the office and thinks about {subject}",
            ),
            middles=(
                "{pron} takes {tool} and walks around the building site",
                "before lunch {pron} talks to {crew} about {place}",
                "{crew} have found {defect}, so {actor} changes the plan",
                "in the afternoon a truck brings {material} for {place}",
                "{pron} shows {user} a small paper model of {place}",
                "later {pron} finds {tool} under a pile of drawings",
            ),
            closes=(
                "at sunset {actor} takes a last look at {place} and walks home",
                "in the evening {actor} reads about {subject} until the lamp goes out",
            ),
        ),
        "question": Frames(
            opens=(
                "{subject} matters because buildings outlive the people who plan them",
                "anyone can learn {subject} with patience and a good eye",
                "the charm of {subject} is that every building asks for a new answer",
            ),
            middles=(),
            closes=(),
        ),
    },
)
