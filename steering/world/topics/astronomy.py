"""What can be said about astronomy?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="astronomy",
    title="Astronomy",
    subjects=("Mercury", "Venus", "Mars", "Jupiter", "Saturn", "Uranus", "Neptune", "Ceres", "Halley's comet", "Vesta"),
    slots={
        "device": (
            "a small telescope",
            "a pair of binoculars",
            "a camera on a tripod",
            "a large mirror",
            "a good star chart",
        ),
        "body": ("the nearby stars", "the outer planets", "the asteroids", "the moons", "the distant galaxies"),
        "force": ("gravity", "sunlight", "rotation", "inner heat", "a faint magnetic field"),
        "watcher": ("most astronomers", "patient observers", "students of the sky", "amateurs with dark skies"),
        "site": (
            "a dark hill",
            "a quiet meadow",
            "the roof of the school",
            "the old observatory",
            "a field outside town",
        ),
        "detail": ("a faint glow", "a tiny disc", "a steady point of light", "a pale smudge", "a reddish spark"),
    },
    instructions={
        "explain": (
            "explain how {subject} moves",
            "explain what we know about {subject}",
            "tell me how astronomers study {subject}",
        ),
        "advise": (
            "give me some advice on observing {subject}",
            "help me find {subject} in the sky",
            "share a few tips for watching {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about someone who watches {subject}",
            "tell a story in which {subject} shines",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a target for a telescope",
        ),
        "day": (
            "describe a day of an astronomer who studies {subject}",
            "describe a day of research on {subject}",
            "walk me through a day and a night spent on {subject}",
        ),
        "question": ("why is {subject} interesting", "is {subject} easy to observe", "what can {subject} teach us"),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} travels around the sun on a long and steady path",
                "seen from Earth, {subject} wanders slowly among the stars",
                "most of what we know about {subject} was learned from its light",
            ),
            middles=(
                "through {device} it appears as {detail}",
                "{force} has worked on its surface for billions of years",
                "{watcher} measure its path against {body}",
                "its light carries traces of {force}, if one knows how to read them",
                "{body} pull on it a little and disturb its orbit",
                "only {detail} betrays how far away it is",
                "from {site} one can follow it for weeks",
            ),
            closes=(
                "there is still much to learn about {subject}",
                "in that sense {subject} is a record of the early sky",
            ),
        ),
        "advise": Frames(
            opens=(
                "to see {subject} well, you need patience more than equipment",
                "plan your first night with {subject} around a moonless date",
                "before you look for {subject}, let your eyes get used to the dark",
            ),
            middles=(
                "choose {site} and bring {device}",
                "start with {body} to get your bearings",
                "look for {detail}, and do not expect bright colours",
                "hold {device} still, or rest it on something firm",
                "make a sketch whenever you notice {detail}",
                "ask {watcher} for help, because they like to share",
                "go back to {site} on several nights and compare your notes",
            ),
            closes=(
                "sooner or later {subject} will be there, just as predicted",
                "after a week you will find {subject} without a chart",
            ),
        ),
        "story": Frames(
            opens=(
                "as a child {actor} saw {subject} from {site} and never forgot it",
                "on the night of the eclipse {actor} was looking for {subject}",
            ),
            middles=(
                "{pron} carried {device} up the path without a lamp",
                "above {site} hung {detail} that nobody could explain",
                "{watcher} had told {actor} to go home, but {pron} stayed",
                "{poss} notebook filled with drawings of {body}",
                "for an hour {pron} saw nothing but {body}",
                "{actor} whispered something about {force} and adjusted {device}",
            ),
            closes=(
                "at dawn {actor} walked home and knew what to become",
                "years later a crater was named after {actor}",
                "and there it was at last, {subject}, small and perfectly calm",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} were born from the same cloud of dust",
                "{subject} is easy to picture, while {other} keeps its secrets",
            ),
            middles=(
                "{device} shows {subject} as {detail}, but {other} stays a point",
                "on {subject} the main actor is {force}, whereas {other} is ruled by chance",
                "{watcher} spend more nights on {subject} than on {other}",
                "{other} has hardly been visited, but {subject} has been mapped",
                "next to {body}, both {subject} and {other} are small",
            ),
            closes=(
                "together {subject} and {other} tell a single story",
                "for a first look, {subject} is the better target",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} studies {subject}, so the day starts after noon",
                "when {actor} wakes up, the data on {subject} has already arrived",
            ),
            middles=(
                "{pron} checks {device} and cleans a lens",
                "over tea {watcher} argue about {force}",
                "in one picture {pron} finds {detail} that should not be there",
                "the computer sorts {body} from noise for several hours",
                "toward evening {actor} drives out to {site}",
                "{pron} writes a careful paragraph about {force}",
            ),
            closes=(
                "at midnight {subject} stands high, and {actor} begins to measure",
                "just before dawn {actor} switches everything off and sleeps",
            ),
        ),
        "question": Frames(
            opens=(
                "the short answer is that {subject} shows us how the planets began",
                "{subject} is easier to find than most people think",
                "{subject} matters because it is a witness of the past",
            ),
            middles=(),
            closes=(),
        ),
    },
)
