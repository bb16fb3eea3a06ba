"""What can be said about rock climbing?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="climbing",
    title="Climbing",
    subjects=(
        "sport climbing",
        "trad climbing",
        "crack climbing",
        "slab climbing",
        "lead climbing",
        "alpine climbing",
        "chimney climbing",
        "granite climbing",
        "big wall climbing",
        "multi-pitch climbing",
    ),
    slots={
        "crag": ("the south wall", "the long ridge", "the red cliff", "the grey tower", "the great pillar"),
        "gear": ("a long rope", "a chalk bag", "a strong helmet", "a pair of tight shoes", "a set of slings"),
        "climber": (
            "the local guides",
            "the older climbers",
            "the regulars at the crag",
            "the members of the club",
            "the mountain rangers",
        ),
        "limb": ("the fingers", "the forearms", "the shoulders", "the feet", "the calves"),
        "fitting": ("the knot", "the rope", "the harness", "the anchor", "the buckle"),
        "reward": ("a calm mind", "steady nerves", "fresh strength", "quiet pride", "new courage", "lasting joy"),
        "mishap": ("a loose hold", "a tangled rope", "a careless step", "a badly tied knot", "a sudden cramp"),
    },
    instructions={
        "explain": (
            "explain what {subject} is about",
            "explain how people learn {subject}",
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
            "tell a story about someone who loves {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} for a young climber",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a day on the rock with a fan of {subject}",
            "walk me through a day of {subject}",
        ),
        "question": ("why do people love {subject}", "is {subject} risky", "what does {subject} teach"),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} is a slow conversation between the body and the rock",
                "the art of {subject} lies in calm and careful movement",
                "in {subject} good footwork counts for more than strong arms",
            ),
            middles=(
                "{climber} rest {limb} wherever the rock allows it",
                "on {crag} every move has to be planned from below",
                "both partners check {fitting} before anyone leaves the ground",
                "most falls on {crag} begin with {mishap}",
                "{limb} tire quickly when a climber forgets to breathe",
                "{climber} pack {gear} even for an easy route",
                "a hard route on {crag} rewards the climber with {reward}",
            ),
            closes=(
                "so {subject} trains the mind as much as the muscles",
                "the heart of {subject} is trust in a partner",
            ),
        ),
        "advise": Frames(
            opens=(
                "learn {subject} from a patient teacher on easy rock",
                "borrow {gear} before you try {subject} outdoors",
                "for {subject}, practise your footwork before you train your arms",
            ),
            middles=(
                "look at {fitting} again before you leave the ground",
                "warm up {limb} before every hard route",
                "pack {gear} at the top of your bag",
                "ask {climber} about the safest way down from {crag}",
                "study {crag} from below and plan where to rest",
                "learn to deal with {mishap} close to the ground",
                "stretch {limb} in the evening and sleep well",
            ),
            closes=(
                "practise {subject} with patience and you will find {reward}",
                "leave the rock clean for the next fans of {subject}",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} was afraid of heights but could not stop dreaming of {subject}",
                "early in spring {actor} set out to learn {subject} on {crag}",
            ),
            middles=(
                "high on {crag} {pron} looked down and held {poss} breath",
                "{climber} watched from below and shouted kind words",
                "because of {mishap} {pron} had to begin the route again",
                "{actor} checked {fitting} and reached for the next hold",
                "at the foot of {crag} {pron} found {gear} in the grass",
                "a stranger gave {pron_obj} {gear} and wished {pron_obj} luck",
            ),
            closes=(
                "at the top {actor} sat down and laughed with joy",
                "{subject} had given {actor} {reward} that {pron} would never lose",
                "now {climber} call {actor} whenever they need a partner",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} tests the nerves, while {other} tests the arms",
                "{subject} and {other} begin with the same knots and part ways on the rock",
            ),
            middles=(
                "{subject} tires {limb}, whereas {other} tires the whole body",
                "{climber} teach {subject} early and leave {other} for later",
                "in {subject} people fear {mishap}, but in {other} they fear the height",
                "{crag} is a fine place for {subject} and a poor place for {other}",
                "{other} leaves you with {reward}, and {subject} leaves you with sore skin",
            ),
            closes=(
                "a complete climber needs both {subject} and {other}",
                "for most people {subject} is the better school",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} wakes in a tent below {crag} and gets ready for {subject}",
                "a day of {subject} begins with a long walk, and {actor} leads the way",
            ),
            middles=(
                "at the foot of {crag} {pron} unpacks {gear}",
                "{poss} partner checks {fitting} and gives a nod",
                "by midday {limb} ache, so {pron} rests on a ledge",
                "{climber} arrive with bread and tea and share them",
                "{mishap} gives {actor} a fright, but {pron} keeps calm",
                "in the last light {pron} climbs down from {crag}",
            ),
            closes=(
                "by the fire {actor} rubs {poss} hands and talks about {subject}",
                "the climb has brought {actor} {reward} and a happy smile",
            ),
        ),
        "question": Frames(
            opens=(
                "people love {subject} because the rock makes them forget everything else",
                "{subject} is safe for those who check their knots",
                "the main lesson of {subject} is patience and respect for the rock",
            ),
            middles=(),
            closes=(),
        ),
    },
)
