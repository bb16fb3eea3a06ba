"""What can be said about travel?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="travel",
    title="Travel",
    subjects=(
        "Lisbon",
        "Kyoto",
        "Vienna",
        "Istanbul",
        "Edinburgh",
        "Prague",
        "Seville",
        "Marrakesh",
        "Krakow",
        "Ljubljana",
    ),
    slots={
        "sight": (
            "the old bridge",
            "the market hall",
            "the castle",
            "the botanical garden",
            "the cathedral",
            "the city museum",
        ),
        "transport": ("the night train", "an early bus", "the tram", "the old funicular", "the last metro"),
        "local": ("the locals", "the bakers on the corner", "the old men in the park", "the waiters", "the students"),
        "bed": (
            "a small hotel",
            "a room above a shop",
            "a hostel with a courtyard",
            "a guest house",
            "a quiet pension",
        ),
        "mood": ("a gentle melancholy", "a quick pulse", "a quiet charm", "an old pride", "a playful spirit"),
        "item": ("comfortable shoes", "a paper map", "a light bag", "an empty notebook", "a good phrase book"),
    },
    instructions={
        "explain": (
            "explain what makes {subject} special",
            "explain how to get to know {subject}",
            "tell me about {subject} as a city",
        ),
        "advise": (
            "give me some advice for a trip to {subject}",
            "help me plan a weekend in {subject}",
            "share a few tips for visiting {subject}",
        ),
        "story": (
            "tell me a short story set in {subject}",
            "write a little tale about a traveller in {subject}",
            "tell a story about getting lost in {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} for a short holiday",
        ),
        "day": (
            "describe a day in {subject}",
            "describe a traveller's day in {subject}",
            "walk me through a day of sightseeing in {subject}",
        ),
        "question": (
            "why do people visit {subject}",
            "is {subject} worth a trip",
            "what should nobody miss in {subject}",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} is a city that has to be walked",
                "what makes {subject} special is the way old and new stand together",
                "to understand {subject}, one has to get up early",
            ),
            middles=(
                "around {sight} there is {mood} at every hour",
                "{local} will gladly explain the way to {sight}",
                "{transport} connects the centre with quieter quarters",
                "guests in {bed} hear the real sounds of the city",
                "{sight} was built slowly, and it shows",
                "after dark {local} come out and the streets fill with {mood}",
                "from the window of {transport} one sees how the city grew",
            ),
            closes=(
                "that is why visitors return to {subject}",
                "in short, {subject} gives most to those who take their time",
            ),
        ),
        "advise": Frames(
            opens=(
                "for a trip to {subject}, plan less than you want to see",
                "go to {subject} outside the season and stay a little longer",
                "the best preparation for {subject} is an open mind",
            ),
            middles=(
                "pack {item} and leave the rest at home",
                "book {bed} well ahead and ask for a quiet room",
                "visit {sight} before nine, when it is still empty",
                "take {transport} at least once, just for the view",
                "ask {local} where to sit in the evening",
                "skip {sight} if the line is long, and wander instead",
                "with {item} and a smile, you will get on well with {local}",
            ),
            closes=(
                "and save one morning in {subject} for nothing at all",
                "you will leave {subject} sooner than you like",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} arrived in {subject} with {item} and no plan",
                "on the last evening in {subject}, {actor} lost the way",
            ),
            middles=(
                "{pron} had missed {transport} by a minute",
                "near {sight} someone called {poss} name",
                "{local} shared a table with {pron_obj} and told old stories",
                "there was no room left, except in {bed}",
                "behind {sight} {pron} found a door that stood open",
                "{actor} gave away {item} and felt lighter",
            ),
            closes=(
                "when {actor} finally left {subject}, a part of {pron_obj} stayed",
                "{actor} kept the ticket from {transport} for years",
                "every spring {local} still receive a postcard from {actor}",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} are both beautiful, but only one of them is in a hurry",
                "{subject} opens up at once, while {other} takes a second visit",
            ),
            middles=(
                "{subject} has {mood}, whereas {other} prefers to impress",
                "in {other} you need {transport}, but {subject} can be seen on foot",
                "{local} in {subject} are easier to talk to than people in {other}",
                "{bed} in {subject} is simpler to find than in {other}",
                "{other} is proud of its music, and {subject} of {sight}",
            ),
            closes=(
                "for a first visit, {subject} is the better choice",
                "!with a free week, see {subject} first and then {other}",
            ),
        ),
        "day": Frames(
            opens=(
                "the morning in {subject} begins for {actor} with bells and coffee",
                "{actor} leaves {bed} at seven to see {subject} wake up",
            ),
            middles=(
                "{pron} takes {transport} to {sight}",
                "before noon {pron} has filled three pages and sharpened a pencil",
                "{local} point {pron_obj} toward {sight}",
                "the afternoon is for rest in {bed}",
                "{actor} buys {item} in a tiny shop",
                "on {transport} a child explains the whole city to {actor}",
            ),
            closes=(
                "at night {actor} looks down on {subject} and counts the lights",
                "in the evening {local} invite {actor} to stay for the music",
            ),
        ),
        "question": Frames(
            opens=(
                "the quick answer is that {subject} has {mood} and does not hide it",
                "{subject} is worth a trip at any time of the year",
                "people visit {subject} for {sight} and stay for the evenings",
            ),
            middles=(),
            closes=(),
        ),
    },
)
