"""What can be said about medicine?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="medicine",
    title="Medicine",
    subjects=(
        "asthma",
        "migraine",
        "anaemia",
        "eczema",
        "high blood pressure",
        "hay fever",
        "insomnia",
        "back pain",
        "heartburn",
        "tinnitus",
    ),
    slots={
        "doctor": ("the doctor", "the family physician", "the nurse", "the specialist", "the pharmacist"),
        "remedy": ("regular sleep", "gentle exercise", "a change of diet", "the right tablet", "a quiet week"),
        "cause": ("stress", "poor sleep", "an infection", "a long illness", "bad posture", "family history"),
        "sign": ("tiredness", "a dull ache", "loss of appetite", "restlessness", "dizziness"),
        "test": ("a blood test", "a short examination", "a careful talk", "a scan", "a diary of symptoms"),
        "patient": ("older people", "young adults", "people with office jobs", "new parents", "busy students"),
    },
    instructions={
        "explain": (
            "explain what causes {subject}",
            "explain how {subject} is treated",
            "tell me how doctors think about {subject}",
        ),
        "advise": (
            "give me some advice on living with {subject}",
            "help me talk to a doctor about {subject}",
            "share a few tips for people with {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about a patient with {subject}",
            "tell a story about someone who overcomes {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a burden in daily life",
        ),
        "day": (
            "describe a day with {subject}",
            "describe a day in a clinic for {subject}",
            "walk me through a day of someone with {subject}",
        ),
        "question": ("why is {subject} so common", "can {subject} be cured", "who suffers from {subject}"),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} has several causes, and they often work together",
                "doctors see {subject} as a signal rather than a verdict",
                "behind {subject} there is usually a body that is out of balance",
            ),
            middles=(
                "in many cases {cause} comes first and {sign} follows",
                "{test} shows whether {cause} plays a part",
                "{patient} notice {sign} long before they ask for help",
                "{doctor} will rule out {cause} before anything else",
                "{remedy} brings relief in about half of all cases",
                "treatment begins with {remedy} and seldom needs more",
                "the link between {cause} and {sign} is well known",
            ),
            closes=(
                "handled early, {subject} is rarely dangerous",
                "so {subject} can be managed, even when it cannot be cured",
            ),
        ),
        "advise": Frames(
            opens=(
                "if you live with {subject}, learn what sets it off",
                "the first thing to do about {subject} is to see {doctor}",
                "take {subject} seriously, but do not let it rule your life",
            ),
            middles=(
                "write down when {sign} appears and what you did before",
                "give {remedy} a fair chance before you judge it",
                "ask {doctor} for {test} if nothing changes",
                "watch out for {cause}, since it makes matters worse",
                "tell {doctor} about {sign}, even if it seems unimportant",
                "combine {remedy} with a little patience",
                "do not compare yourself with {patient}, for every body is different",
            ),
            closes=(
                "with time you will know your {subject} better than any book",
                "most people with {subject} lead a full and busy life",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} had lived with {subject} since school",
                "it took {actor} three years to find a name for {subject}",
            ),
            middles=(
                "at first {pron} blamed {cause} and carried on",
                "{doctor} ordered {test} and asked a great many questions",
                "one winter {sign} kept {actor} in bed for weeks",
                "{poss} sister swore by {remedy}, and for once she was right",
                "in the waiting room {pron} met {patient} with the same trouble",
                "{doctor} drew a little picture to explain {cause}",
            ),
            closes=(
                "today {actor} feels well and hardly thinks of {subject}",
                "{actor} now helps others who suffer from {subject}",
                "in the end {remedy} did what no clinic could do",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} are often confused, though they feel quite different",
                "{subject} comes and goes, while {other} tends to stay",
            ),
            middles=(
                "{subject} announces itself with {sign}, but {other} arrives quietly",
                "{remedy} helps against {subject}, whereas {other} needs closer care",
                "{doctor} needs {test} for {other}, and only a look for {subject}",
                "{cause} makes {subject} worse and hardly touches {other}",
                "{patient} fear {other} more than {subject}",
            ),
            closes=(
                "whoever has both {subject} and {other} should see {doctor}",
                "in daily life {subject} is usually the lighter burden",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} wakes up with {subject} and takes stock before getting up",
                "a day with {subject} begins slowly for {actor}",
            ),
            middles=(
                "after breakfast {pron} notes {sign} in a small diary",
                "at ten {doctor} calls about {test}",
                "{pron} keeps an hour free for {remedy}",
                "at work nobody notices {sign}, and {actor} prefers it so",
                "toward evening {cause} makes itself felt again",
                "on the bench outside {pron} talks with {patient} about nothing much",
            ),
            closes=(
                "at night {actor} is tired but glad that {subject} stayed mild",
                "before sleep {pron} thinks of {remedy} and breathes slowly",
            ),
        ),
        "question": Frames(
            opens=(
                "the careful answer is that {subject} differs from person to person",
                "{subject} can often be eased, and sometimes it goes away",
                "{subject} is common because {cause} is common",
            ),
            middles=(),
            closes=(),
        ),
    },
)
