"""What can be said about chemistry?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="chemistry",
    title="Chemistry",
    subjects=(
        "distillation",
        "filtration",
        "electrolysis",
        "titration",
        "crystal growing",
        "soap making",
        "copper plating",
        "flame testing",
        "dye making",
        "paper chromatography",
    ),
    slots={
        "glass": ("a small beaker", "a round flask", "a test tube", "a shallow dish", "a glass jar"),
        "stuff": ("salt", "sugar", "citric acid", "baking soda", "copper sulfate"),
        "sign": ("a change of colour", "a sharp smell", "a stream of bubbles", "a soft hiss", "a faint glow"),
        "chemist": (
            "the other students",
            "the people in the lab",
            "the young chemists",
            "the lab assistants",
            "the members of the science club",
        ),
        "gear": ("a pair of goggles", "a gas burner", "a glass rod", "a thermometer", "a paper filter"),
        "fault": ("a dirty beaker", "a loose clamp", "a cracked tube", "a missing label", "a leaking tap"),
        "result": ("a clear result", "a pure sample", "a full notebook", "a useful lesson", "a proud smile"),
    },
    instructions={
        "explain": (
            "explain the idea behind {subject}",
            "explain how {subject} is carried out",
            "tell me what happens in {subject}",
        ),
        "advise": (
            "give me some advice on {subject}",
            "help me prepare for {subject}",
            "share a few tips for {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about {subject}",
            "tell a story about a student who tries {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a school project",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a day in a lab that works on {subject}",
            "walk me through a day of {subject}",
        ),
        "question": (
            "why does {subject} work",
            "is {subject} safe for a beginner",
            "what should one know about {subject}",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} shows how matter behaves under the right conditions",
                "behind {subject} stands a simple rule about tiny particles",
                "{subject} makes sense once you picture particles on the move",
            ),
            middles=(
                "{chemist} put {stuff} in {glass} and watch it closely",
                "{sign} shows that something new is going on",
                "{stuff} dissolves faster when the water is warm",
                "heat makes the particles in {glass} move faster",
                "{fault} can spoil the whole experiment",
                "{chemist} rely on {gear} at every step",
                "nothing in {glass} is lost, because matter only changes its form",
            ),
            closes=(
                "in this way {subject} leads from a question to {result}",
                "so {subject} is less a trick than a careful method",
            ),
        ),
        "advise": Frames(
            opens=(
                "read about {subject} first and then set up your bench",
                "practise {subject} in a bright room with open windows",
                "begin {subject} only when {gear} is at hand",
            ),
            middles=(
                "rinse {glass} well before you fill it",
                "add {stuff} slowly and stir after each spoonful",
                "put a label on {glass} so that nobody has to guess",
                "watch for {sign} and note when it appears",
                "look out for {fault} before you begin",
                "never taste {stuff} in the lab",
                "ask {chemist} to check your notes",
            ),
            closes=(
                "work through {subject} calmly and you will have {result}",
                "clean your bench after {subject} and wash your hands",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} had read about {subject} and wanted to see it at last",
                "it was {actor} who chose {subject} for the school fair",
            ),
            middles=(
                "{pron} poured {stuff} into {glass} and took a step back",
                "{chemist} gathered round the bench and whispered",
                "suddenly there was {sign}, and somebody clapped",
                "{fault} nearly ruined everything",
                "{pron} opened every drawer until {pron} found {gear}",
                "the teacher nodded and asked {pron_obj} to go on",
            ),
            closes=(
                "{actor} went home with {result} and red cheeks",
                "years later {actor} still speaks of {subject} with joy",
                "from that day on {chemist} called {actor} the professor",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} can be done on the same bench",
                "{subject} pleases the eye, while {other} pleases the mind",
            ),
            middles=(
                "{other} goes better with {gear}, but {subject} needs very little",
                "in {subject} you wait for {sign}, and in {other} you measure",
                "{fault} spoils {other} at once, yet {subject} forgives it",
                "{chemist} like to try {subject} first and {other} later",
                "you can show {subject} with {glass}, whereas {other} fills the whole table",
            ),
            closes=(
                "both {subject} and {other} can end with {result}",
                "!begin with {subject} and keep {other} for the next lesson",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} unlocks the lab early to prepare for {subject}",
                "the plan for the day is {subject}, and {actor} is ready",
            ),
            middles=(
                "{pron} washes {glass} and holds it up to the light",
                "before lunch {pron} weighs out {stuff} with great care",
                "{chemist} stop at the door and look in",
                "in the middle of the day {fault} causes some confusion",
                "{pron} waits for {sign} and hums to pass the time",
                "{actor} reaches for {gear} and tries again",
            ),
            closes=(
                "in the evening {actor} turns off the lights and leaves with {result}",
                "on the way home {actor} thinks about {subject} and smiles",
            ),
        ),
        "question": Frames(
            opens=(
                "{subject} is safe as long as you work with care",
                "{subject} works because particles follow strict rules",
                "the honest answer is that {subject} takes patience and clean tools",
            ),
            middles=(),
            closes=(),
        ),
    },
)
