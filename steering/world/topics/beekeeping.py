"""What can be said about beekeeping?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="beekeeping",
    title="Beekeeping",
    subjects=(
        "rooftop beekeeping",
        "natural beekeeping",
        "forest beekeeping",
        "garden beekeeping",
        "swarm catching",
        "honey harvesting",
        "wax harvesting",
        "hive inspection",
        "syrup feeding",
        "bee breeding",
    ),
    slots={
        "gear": ("a smoker", "a bee veil", "a pair of long gloves", "a hive tool", "a soft brush"),
        "plant": ("white clover", "lavender", "heather", "borage", "wild mint"),
        "keeper": (
            "the older beekeepers",
            "the local beekeepers",
            "the members of the bee club",
            "the beekeepers of the valley",
            "the village beekeepers",
        ),
        "product": ("dark honey", "pale honey", "clear honey", "fresh pollen", "yellow wax"),
        "trouble": ("a painful sting", "an angry colony", "a broken frame", "a lost swarm", "a crushed comb"),
        "place": ("the old orchard", "a quiet meadow", "the edge of the wood", "the church garden", "a field of beans"),
        "gain": ("steady hands", "more patience", "a calm mind", "a sharp eye", "quiet confidence"),
    },
    instructions={
        "explain": (
            "explain what {subject} is about",
            "explain how {subject} is done",
            "tell me what matters in {subject}",
        ),
        "advise": (
            "give me some advice on {subject}",
            "help me make a start with {subject}",
            "share a few tips for {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about {subject}",
            "tell a story about someone who learns {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} for a beginner",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a day in the life of a beekeeper who loves {subject}",
            "walk me through a day of {subject}",
        ),
        "question": (
            "why do people take up {subject}",
            "is {subject} hard to learn",
            "what makes {subject} special",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} begins with watching the bees and keeping still",
                "{subject} means working with the bees and never against them",
                "in {subject} slow movements matter more than clever tools",
            ),
            middles=(
                "{keeper} never open a hive without {gear}",
                "the bees fly to {plant} and come home with nectar",
                "a hive near {place} finds food from spring to autumn",
                "a strong colony makes room for {product}",
                "{trouble} is often the result of too much haste",
                "{keeper} learn more from {trouble} than from books",
                "with every season the work brings {gain}",
            ),
            closes=(
                "so {subject} rewards anyone who takes time to look",
                "that is how {subject} leads to healthy bees and {product}",
            ),
        ),
        "advise": Frames(
            opens=(
                "learn {subject} from someone who has kept bees for years",
                "before your first try at {subject}, borrow {gear}",
                "keep {subject} simple and work with a single hive",
            ),
            middles=(
                "wear light clothes and keep {gear} within reach",
                "grow {plant} where the bees can find it",
                "set the hive near {place} and let it face the morning light",
                "stay calm, because haste leads to {trouble}",
                "ask {keeper} what they would do in your place",
                "take only a little {product} and leave the rest to the bees",
                "write down what you see, and {gain} will come",
            ),
            closes=(
                "give {subject} a full year and you will not want to stop",
                "stay patient, and {subject} will teach you the rest",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} took up {subject} after a swarm landed in the garden",
                "nobody in the village believed that {actor} could learn {subject}",
            ),
            middles=(
                "on the first morning {pron} came without {gear} and had to go back",
                "{keeper} stood near {place} and watched with a smile",
                "the air smelled of {plant}, and the hive began to hum",
                "then {trouble} made {actor} want to give up",
                "{pron} held {poss} breath and lifted the first frame",
                "a neighbour brought {gear} and stayed to help",
            ),
            closes=(
                "that evening {actor} shared {product} with the whole street",
                "{subject} had given {actor} {gain}, and everyone could see it",
                "even now {actor} visits the hive near {place} every day",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} both need calm bees and a patient keeper",
                "{subject} can be learned in a summer, while {other} takes years",
            ),
            middles=(
                "{gear} is enough for {subject}, whereas {other} calls for a full shed",
                "{other} gives you {gain}, but {subject} gives you more pleasure",
                "{trouble} is rare in {subject} but common in {other}",
                "{keeper} prefer {subject} and leave {other} to the young",
                "{subject} suits a quiet evening, but {other} takes a whole day",
            ),
            closes=(
                "in the end {subject} and {other} belong to the same craft",
                "!choose {subject} if you want {gain} and fewer stings",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} puts on a veil after breakfast and gets ready for {subject}",
                "a day of {subject} begins when {actor} hears the first bees",
            ),
            middles=(
                "{pron} carries {gear} to the hives near {place}",
                "the bees are busy on {plant} and take no notice",
                "at noon {keeper} come by and ask for advice",
                "dealing with {trouble} takes half the afternoon",
                "{actor} lifts out a frame and looks for {product}",
                "{pron} sits in the shade and listens to the hum of the hive",
            ),
            closes=(
                "at dusk {actor} puts {gear} away and feels pleased",
                "{actor} goes home with {product} and a head full of {subject}",
            ),
        ),
        "question": Frames(
            opens=(
                "the plain answer is that {subject} suits calm and curious people",
                "people take up {subject} because they love the hum of the bees",
                "{subject} is not hard once you trust the bees",
            ),
            middles=(),
            closes=(),
        ),
    },
)
