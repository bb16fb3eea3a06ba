"""What can be said about pottery?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="pottery",
    title="Pottery",
    subjects=(
        "wheel throwing",
        "coil building",
        "slab building",
        "pinch pottery",
        "slip casting",
        "press moulding",
        "clay carving",
        "glazing",
        "raku firing",
        "wood firing",
    ),
    slots={
        "clay": ("red clay", "soft clay", "white clay", "fresh clay", "rough clay"),
        "ware": ("a small bowl", "a tall vase", "a round jug", "a plain mug", "a flat dish"),
        "tool": ("a wooden knife", "a wet sponge", "a round stone", "a flat stick", "a damp cloth"),
        "fault": ("a deep crack", "a trapped bubble", "a crooked rim", "a rough edge", "a weak spot"),
        "potter": (
            "the other potters",
            "the older potters",
            "the studio members",
            "the evening students",
            "the skilled potters",
        ),
        "gain": ("steady hands", "a calm mind", "a good eye", "real patience", "a light touch"),
        "shelf": ("a warm shelf", "the top shelf", "a wooden board", "the bench by the window", "a clean table"),
    },
    instructions={
        "explain": (
            "explain how {subject} works",
            "explain how clay changes in {subject}",
            "tell me what happens in {subject}",
        ),
        "advise": (
            "give me some advice on {subject}",
            "help me learn {subject} at a studio",
            "share a few tips for {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about a potter and {subject}",
            "tell a story about someone who learns {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} for a beginner",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a day in a studio that teaches {subject}",
            "walk me through a day of {subject}",
        ),
        "question": (
            "why do potters enjoy {subject}",
            "is {subject} hard to learn",
            "what makes {subject} so relaxing",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} is slow work for quiet hands",
                "the heart of {subject} is a feeling for clay",
                "in {subject} a small mistake at the start shows at the end",
            ),
            middles=(
                "{clay} shrinks as it dries and shrinks again in the kiln",
                "{potter} smooth the surface with {tool}",
                "{fault} can spoil {ware} made with great care",
                "each piece rests on {shelf} until it is dry",
                "the fire makes {ware} hard and changes its colour",
                "{potter} choose {clay} when they want to make {ware}",
                "a few months of practice bring {gain}",
            ),
            closes=(
                "that is why {subject} takes both time and {gain}",
                "once learned, {subject} is a pleasure for life",
            ),
        ),
        "advise": Frames(
            opens=(
                "begin {subject} with {clay} and a simple shape",
                "take a class in {subject} before you set up a studio",
                "practise {subject} on small pieces until you have {gain}",
            ),
            middles=(
                "wet your hands before you shape {clay}",
                "keep {tool} close by and use it often",
                "let {ware} dry slowly on {shelf}",
                "watch {potter} and ask how they hold their tools",
                "look for {fault} before you light the kiln",
                "start again if {fault} spoils your work",
                "store {clay} in a closed bag overnight",
            ),
            closes=(
                "give {subject} a full year and keep your best piece",
                "enjoy {subject} even when a piece breaks",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} loved old pots but knew nothing about {subject}",
                "one quiet evening {actor} went to a class in {subject}",
            ),
            middles=(
                "{pron} pressed {clay} too hard and had to begin again",
                "{potter} showed {pron_obj} how to use {tool}",
                "{actor} looked closely and found {fault}",
                "{pron} forgot {ware} on {shelf} overnight",
                "soon {poss} sleeves were covered in {clay}",
                "{potter} gathered around the kiln and waited",
            ),
            closes=(
                "{actor} kept {ware} and gave the rest away",
                "{potter} still smile when {actor} speaks of {subject}",
                "{actor} went home with {ware} in a box",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} rewards patience, while {other} rewards a bold hand",
                "{subject} can be learned alone, but {other} needs a good teacher",
            ),
            middles=(
                "{subject} suits {clay}, whereas {other} suits {clay2}",
                "{potter} learn {subject} before they try {other}",
                "{fault} is common in {subject} but rare in {other}",
                "people turn to {subject} for {gain} and to {other} for fun",
                "you can practise {subject} on {ware}, but {other} needs something simpler",
            ),
            closes=(
                "a good studio has room for both {subject} and {other}",
                "!learn {subject} in spring and save {other} for autumn",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} unlocks the studio early for a day of {subject}",
                "after breakfast {actor} rolls up {poss} sleeves and prepares for {subject}",
            ),
            middles=(
                "{pron} kneads {clay} until all the air is gone",
                "before lunch {pron} smooths {ware} with {tool}",
                "{potter} come in and light the kiln",
                "{fault} forces {actor} to start again",
                "in the afternoon {pron} sets {ware} on {shelf}",
                "{pron} rinses {tool} and makes a pot of tea",
            ),
            closes=(
                "before going home {actor} covers {ware} with plastic",
                "tired but content, {actor} locks the studio and dreams of {subject}",
            ),
        ),
        "question": Frames(
            opens=(
                "potters enjoy {subject} because every piece turns out different",
                "anyone can learn {subject} with time and {gain}",
                "{subject} is relaxing because the hands do the thinking",
            ),
            middles=(),
            closes=(),
        ),
    },
)
