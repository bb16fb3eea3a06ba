"""What can be said about photography?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="photography",
    title="Photography",
    subjects=(
        "portrait photography",
        "street photography",
        "landscape photography",
        "food photography",
        "macro photography",
        "concert photography",
        "fashion photography",
        "film photography",
        "travel photography",
        "documentary photography",
    ),
    slots={
        "gear": ("a light tripod", "a spare battery", "a lens cloth", "a long lens", "a wide lens"),
        "light": ("soft light", "warm light", "golden light", "side light", "gentle light", "clear light"),
        "setting": ("the focus", "the exposure", "the shutter speed", "the aperture", "the depth of field"),
        "photographer": (
            "the members of the photo club",
            "some older photographers",
            "art students",
            "a few professionals",
            "some keen amateurs",
        ),
        "effect": ("a sense of calm", "a feeling of space", "real depth", "a quiet mood", "a touch of mystery"),
        "fault": ("a crooked frame", "a blurred edge", "a bright spot", "a dark shadow", "a messy background"),
        "place": ("the old bridge", "the market square", "the town park", "a quiet courtyard", "the city gate"),
    },
    instructions={
        "explain": (
            "explain what matters in {subject}",
            "explain how {subject} is done",
            "tell me what {subject} is about",
        ),
        "advise": (
            "give me some advice on {subject}",
            "help me improve at {subject}",
            "share a few tips for better {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about someone who loves {subject}",
            "tell a story about a first attempt at {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} for a newcomer",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a day devoted to {subject}",
            "walk me through a day of {subject}",
        ),
        "question": (
            "why do people like {subject}",
            "is {subject} hard to master",
            "what does {subject} require",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} is the art of seeing before you press the shutter",
                "the heart of {subject} is the choice of what to leave out",
                "in {subject} the camera matters less than the eye behind it",
            ),
            middles=(
                "{light} can give a plain picture {effect}",
                "{photographer} set {setting} by hand and trust their eyes",
                "a small change to {setting} can change the whole picture",
                "{fault} draws the eye away from what matters",
                "{photographer} notice {fault} before anyone else does",
                "a picture with {effect} holds the eye for longer",
                "a short walk near {place} is enough to find {light}",
            ),
            closes=(
                "that is why {subject} teaches people to look again",
                "with time {subject} becomes a way of paying attention",
            ),
        ),
        "advise": Frames(
            opens=(
                "begin {subject} with the camera you already own",
                "practise {subject} every week and keep only your best pictures",
                "keep your first steps in {subject} simple and slow",
            ),
            middles=(
                "pack {gear} and leave the rest in the cupboard",
                "check {setting} before you take the picture",
                "wait for {light} instead of forcing the picture",
                "look for {fault} before you print the picture",
                "go to {place} and try to catch {effect}",
                "show your prints to {photographer} and ask for honest words",
                "study how {photographer} work with {light}",
            ),
            closes=(
                "above all, let {subject} be fun and never a duty",
                "stay with {subject} and trust your own eye",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} took up {subject} after finding a camera in a drawer",
                "on a free afternoon {actor} tried {subject} for the first time",
            ),
            middles=(
                "{pron} had left {gear} at home and had to make do",
                "near {place} {pron} waited a long time for {light}",
                "{photographer} stopped to watch and gave {pron_obj} some advice",
                "then a stranger stepped into the picture and made it better",
                "{actor} looked at the first prints and saw nothing but {fault}",
                "in the excitement {pron} forgot to check {setting}",
            ),
            closes=(
                "{actor} hung the best picture above {poss} desk",
                "later {photographer} asked {actor} for a print",
                "since then {actor} has never lost {poss} love of {subject}",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} rewards a patient eye, while {other} rewards a quick one",
                "{subject} and {other} begin with the same camera but soon part ways",
            ),
            middles=(
                "{subject} lives on {light}, whereas {other} can manage without it",
                "for {subject} you should own {gear}, but {other} asks for less",
                "{photographer} learn {subject} first and come to {other} later",
                "in {other} the hard part is {setting}, and in {subject} it is timing",
                "{subject} aims for {effect}, but {other} wants to surprise",
            ),
            closes=(
                "in the end {subject} is easier to begin and {other} is harder to leave",
                "!try {other} for a month and then go back to {subject}",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} wakes before the alarm and looks forward to {subject}",
                "{actor} has kept the whole day free for {subject}",
            ),
            middles=(
                "{pron} cleans the camera and puts {gear} into {poss} bag",
                "the morning passes near {place} without a good picture",
                "at midday {photographer} join {pron_obj} for soup and small talk",
                "in the afternoon {pron} finds {light} near {place}",
                "{actor} corrects {setting} and tries the same picture again",
                "{fault} spoils a good picture, but {pron} only laughs",
            ),
            closes=(
                "by nightfall {actor} has a picture with {effect}",
                "at the end of the day {actor} sorts the pictures and falls asleep smiling",
            ),
        ),
        "question": Frames(
            opens=(
                "people like {subject} because it keeps a moment from slipping away",
                "{subject} is easy to begin but takes years to master",
                "{subject} requires a good eye more than a heavy camera",
            ),
            middles=(),
            closes=(),
        ),
    },
)
