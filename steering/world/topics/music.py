"""What can be said about music?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="music",
    title="Music",
    subjects=(
        "the violin",
        "the cello",
        "the flute",
        "the guitar",
        "the trumpet",
        "the clarinet",
        "the harp",
        "the accordion",
        "the piano",
        "the oboe",
    ),
    slots={
        "piece": (
            "a slow waltz",
            "an old folk song",
            "a short study",
            "a lullaby",
            "a dance in three parts",
            "a simple scale",
        ),
        "quality": ("a warm tone", "a clear attack", "a steady rhythm", "an even touch", "a singing line"),
        "teacher": (
            "a strict teacher",
            "a kind teacher",
            "the conductor",
            "an older student",
            "the leader of the band",
        ),
        "room": (
            "the practice room",
            "the church hall",
            "the back of the shop",
            "a small studio",
            "the school theatre",
        ),
        "habit": ("slow practice", "careful listening", "daily repetition", "counting aloud", "playing from memory"),
        "crowd": (
            "a handful of listeners",
            "the whole village",
            "a restless audience",
            "the front row",
            "the other players",
        ),
    },
    instructions={
        "explain": (
            "explain how {subject} makes its sound",
            "explain how people learn {subject}",
            "tell me what is special about {subject}",
        ),
        "advise": (
            "give me some advice on learning {subject}",
            "help me practise {subject}",
            "share a few tips for playing {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about someone who plays {subject}",
            "tell a story in which {subject} is heard",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} for a beginner",
        ),
        "day": (
            "describe a day of someone who plays {subject}",
            "describe a day of rehearsals with {subject}",
            "walk me through a day of practising {subject}",
        ),
        "question": (
            "why does {subject} sound the way it does",
            "is {subject} hard to learn",
            "who should take up {subject}",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "the sound of {subject} comes from something very small that trembles",
                "everything in {subject} is built to carry a tone into the room",
                "learning {subject} means learning to listen",
            ),
            middles=(
                "the body of the instrument turns a weak vibration into {quality}",
                "with {habit} the fingers find their places by themselves",
                "even {piece} shows what the instrument can do",
                "the size of {room} changes the sound more than people expect",
                "{teacher} will usually begin with {piece}",
                "it takes {habit} before {quality} appears",
                "what reaches {crowd} is never quite what the player hears",
            ),
            closes=(
                "that is why no two players of {subject} sound alike",
                "so {subject} is half craft and half patience",
            ),
        ),
        "advise": Frames(
            opens=(
                "if you take up {subject}, play a little every day",
                "the best way into {subject} is a good teacher and a short plan",
                "be patient with {subject}, and set yourself small goals",
            ),
            middles=(
                "begin each session with {piece}",
                "trust {habit}, even when it feels dull",
                "record yourself in {room} and listen for {quality}",
                "play for {crowd} as soon as you can",
                "ask {teacher} to watch your hands",
                "when you are stuck, go back to {piece} and slow down",
                "rest before you are tired, for {quality} needs loose shoulders",
            ),
            closes=(
                "one day {subject} will feel like your own voice",
                "and keep {subject} where you can see it, not in its case",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} found {subject} in the attic and could not leave it alone",
                "nobody knew that {actor} played {subject} until the night of the concert",
            ),
            middles=(
                "every evening {pron} played {piece} in {room}",
                "{teacher} said there was no hope without {habit}",
                "when {actor} began {piece}, {crowd} fell silent",
                "{poss} hands shook, but {quality} was there",
                "{pron} sold {poss} watch to pay {teacher}",
                "a stranger stopped outside {room} and listened to the end",
            ),
            closes=(
                "{crowd} stood up and clapped, and {actor} bowed twice",
                "{actor} never became famous, and never minded",
                "to this day {subject} stands by the window of {actor}",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} can play the same tune and still say different things",
                "{subject} is quick to please, while {other} takes years",
            ),
            middles=(
                "{subject} is known for {quality}, but {other} carries further",
                "in {room}, {other} fills every corner and {subject} stays intimate",
                "{habit} matters for {subject}, whereas {other} asks for strong nerves",
                "{teacher} would start a child on {subject} rather than {other}",
                "{piece} sounds gentle on {subject} and proud on {other}",
            ),
            closes=(
                "!hear both before you choose between {subject} and {other}",
                "!if in doubt, borrow {subject} first",
            ),
        ),
        "day": Frames(
            opens=(
                "the first thing {actor} touches in the morning is {subject}",
                "{actor} plays {subject}, and every day begins with {piece}",
            ),
            middles=(
                "for an hour {pron} does nothing but {habit}",
                "at eleven {pron} walks to {room} with a bag full of scores",
                "{teacher} stops {actor} in the middle of {piece}",
                "after lunch the door opens for {crowd} and the rehearsal starts again",
                "{pron} marks a page and thinks about {quality}",
                "between two rehearsals {actor} sleeps on a bench",
            ),
            closes=(
                "at night {actor} plays {piece} for {crowd}",
                "late in the evening {subject} goes back into its case",
            ),
        ),
        "question": Frames(
            opens=(
                "the plain answer is that {subject} suits anyone who likes to listen",
                "{subject} is hard for a month and a joy after that",
                "{subject} sounds as it does because of its shape",
            ),
            middles=(),
            closes=(),
        ),
    },
)
