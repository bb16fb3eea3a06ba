"""What can be said about school and the classroom?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="teaching",
    title="Teaching",
    subjects=(
        "spelling",
        "handwriting",
        "grammar",
        "geometry",
        "chemistry",
        "geography",
        "biology",
        "poetry",
        "history",
        "public speaking",
    ),
    slots={
        "group": ("the youngest class", "a noisy class", "a small group", "the evening class", "a new class"),
        "aid": ("a wall chart", "a short film", "a box of cards", "a simple picture", "a bright poster"),
        "task": ("a short exercise", "a quick quiz", "a small project", "a simple puzzle", "a practice test"),
        "pupil": (
            "the shy pupils",
            "the older pupils",
            "the new students",
            "the quick learners",
            "the slower readers",
        ),
        "virtue": ("patience", "curiosity", "confidence", "good humour", "courage"),
        "upset": ("a broken projector", "a lost notebook", "a noisy corridor", "a fire drill", "a whispered joke"),
        "room": ("the school library", "the main hall", "a quiet classroom", "the art room", "the room upstairs"),
    },
    instructions={
        "explain": (
            "explain how {subject} is taught at school",
            "explain how children learn {subject}",
            "tell me what a lesson in {subject} is like",
        ),
        "advise": (
            "give me some advice on teaching {subject}",
            "help me plan a lesson in {subject}",
            "share a few tips for teaching {subject}",
        ),
        "story": (
            "tell me a short story about a teacher of {subject}",
            "write a little tale about a lesson in {subject}",
            "tell a story about someone who teaches {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a school subject",
        ),
        "day": (
            "describe a day of teaching {subject}",
            "describe a day in the life of a teacher of {subject}",
            "walk me through a school day with {subject}",
        ),
        "question": (
            "why do schools teach {subject}",
            "is {subject} hard to teach",
            "what makes a good lesson in {subject}",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} is taught best in small steps with plenty of practice",
                "the key to teaching {subject} is a clear example",
                "good lessons in {subject} begin with something the class already knows",
            ),
            middles=(
                "{aid} often shows more than a long speech",
                "{pupil} understand more when they explain things to each other",
                "after each new idea {group} needs {task}",
                "{pupil} ask more questions when nobody laughs at mistakes",
                "a lesson in {room} asks for {virtue} from everyone",
                "{upset} can disturb even a carefully planned lesson",
                "with {group} a teacher needs {virtue} more than strict rules",
            ),
            closes=(
                "this is how {subject} teaches pupils {virtue}",
                "taught in this way, {subject} stays with pupils for years",
            ),
        ),
        "advise": Frames(
            opens=(
                "start each lesson in {subject} with {aid}",
                "teach {subject} slowly and check that everyone can follow",
                "plan your lessons in {subject} around {task}",
            ),
            middles=(
                "give {pupil} time to think before they answer",
                "keep {aid} ready in case the class grows tired",
                "let {pupil} work in pairs on {task}",
                "speak softly to {group} and wait for silence",
                "do not let {upset} change your plan",
                "praise {pupil} whenever they show {virtue}",
                "take {group} to {room} for a change of scene",
            ),
            closes=(
                "end every lesson in {subject} with a few kind words",
                "above all, show the class how much {subject} means to you",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} was asked to teach {subject} to {group}",
                "on the first day of term {actor} walked in to teach {subject}",
            ),
            middles=(
                "{upset} nearly ruined {poss} lesson",
                "{pron} had prepared {aid} the night before",
                "{pupil} stared at the board and said nothing",
                "then {actor} gave the class {task} and sat down to wait",
                "{pron} moved the lesson to {room} without asking anyone",
                "after the bell {pupil} stayed behind to talk to {pron_obj}",
            ),
            closes=(
                "by the end of term {pupil} had learned {virtue} from {actor}",
                "on the last day {pupil} wrote a card for {actor}",
                "{actor} has loved teaching {subject} ever since",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} wakes a sleepy class, while {other} calms a noisy one",
                "teachers need more time for {subject} than for {other}",
            ),
            middles=(
                "{pupil} often prefer {subject} to {other}",
                "{aid} helps with {subject}, but {other} needs more practice",
                "{subject} builds {virtue}, whereas {other} builds {virtue2}",
                "you can test {subject} with {task}, but {other} is harder to mark",
                "{group} talks more during {other} than during {subject}",
            ),
            closes=(
                "every pupil should learn both {subject} and {other}",
                "!teach {other} in the morning and {subject} after lunch",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} arrives at school early to prepare a lesson in {subject}",
                "before the first bell {actor} writes a line about {subject} on the board",
            ),
            middles=(
                "in the morning {pron} teaches {group} in {room}",
                "during the break {pron} looks for {aid}",
                "{pupil} hand in their homework and chat by the door",
                "after lunch {pron} gives {pupil} {task}",
                "{upset} disturbs the lesson for a while",
                "{actor} speaks with a worried pupil in {room}",
            ),
            closes=(
                "at home {actor} marks a pile of papers on {subject}",
                "in the evening {actor} prepares {aid} for the next day",
            ),
        ),
        "question": Frames(
            opens=(
                "schools teach {subject} because it rewards {virtue}",
                "{subject} is easier to teach than most people think",
                "a good lesson in {subject} leaves time for {task}",
            ),
            middles=(),
            closes=(),
        ),
    },
)
