"""What can be said about carpentry?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="carpentry",
    title="Carpentry",
    subjects=(
        "joinery",
        "cabinet making",
        "chair making",
        "box making",
        "toy making",
        "stair building",
        "picture framing",
        "furniture repair",
        "wood carving",
        "shelf building",
    ),
    slots={
        "wood": ("oak", "ash", "pine", "beech", "walnut", "maple"),
        "tool": ("a sharp chisel", "a fine saw", "a wooden mallet", "a small plane", "a hand drill"),
        "maker": (
            "the local carpenters",
            "some retired joiners",
            "some experienced builders",
            "the workers at the timber yard",
            "a few skilled makers",
        ),
        "fault": ("a loose joint", "a split board", "a crooked cut", "a rough edge", "an uneven surface"),
        "finish": ("linseed oil", "beeswax", "clear varnish", "shellac", "milk paint"),
        "part": ("the edges", "the ends", "the corners", "the boards", "the surfaces"),
        "gain": ("steady hands", "a trained eye", "more patience", "quiet pride", "a calm mind"),
    },
    instructions={
        "explain": (
            "explain what {subject} is about",
            "explain how {subject} is done",
            "tell me how {subject} works",
        ),
        "advise": (
            "give me some advice on {subject}",
            "help me learn {subject}",
            "share a few tips for {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about someone who learns {subject}",
            "tell a story that has to do with {subject}",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as a craft",
        ),
        "day": (
            "describe a day of {subject}",
            "describe a day in a workshop for {subject}",
            "walk me through a day of {subject}",
        ),
        "question": (
            "why do people take up {subject}",
            "is {subject} difficult to learn",
            "what does a beginner in {subject} need",
        ),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} begins with wood and ends with something that lasts",
                "good {subject} starts with a straight line and a sharp blade",
                "the whole of {subject} rests on careful measuring",
            ),
            middles=(
                "{wood} shrinks as it dries, so {maker} store it for months",
                "a cut across {wood} needs more care than a cut along it",
                "{maker} reach for {tool} before they turn on a machine",
                "glue holds well only when {part} are clean and dry",
                "a thin coat of {finish} keeps out dirt and water",
                "{fault} is usually the result of poor planning",
                "after some years the craft gives you {gain}",
            ),
            closes=(
                "that is how {subject} gives old wood a new purpose",
                "in this way {subject} joins the head to the hands",
            ),
        ),
        "advise": Frames(
            opens=(
                "begin {subject} with a small project and a clear drawing",
                "learn {subject} from someone who works slowly and well",
                "set up a firm bench before you try {subject}",
            ),
            middles=(
                "choose {wood} with a straight grain for your early work",
                "keep {tool} within reach and put it back after use",
                "sand {part} by hand until they feel like silk",
                "never hide {fault} under a coat of {finish}",
                "visit {maker} and copy the way they hold a tool",
                "test your idea on a scrap of {wood} before you cut",
                "let the glue dry overnight and then check {part}",
            ),
            closes=(
                "keep at {subject} and it will give you {gain}",
                "be proud of your {subject} and sign the finished piece",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} learned {subject} in a shed behind the house",
                "{actor} promised a friend to try {subject} before the summer was over",
            ),
            middles=(
                "{pron} carried a stack of {wood} into the yard",
                "at first {fault} spoiled everything {pron} made",
                "{maker} showed {pron_obj} how to hold {tool}",
                "{actor} worked late and smelled of {finish}",
                "under an old bench {pron} found {tool} with a worn handle",
                "{pron} smoothed {part} until it grew dark outside",
            ),
            closes=(
                "the finished piece still has a place in the home of {actor}",
                "in the end {actor} had sore arms and {gain}",
                "now {maker} send their pupils to {actor} for {subject}",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} share many tools but not the same aims",
                "{subject} can be learned in a shed, while {other} needs a proper workshop",
            ),
            middles=(
                "{subject} goes well with {wood}, whereas {other} calls for a different wood",
                "in {subject} you can mend {fault}, but in {other} it stays",
                "{maker} rest from {other} with a little {subject}",
                "you need {tool} for {other}, and {subject} needs it even more",
                "{subject} brings {gain}, but {other} brings quicker results",
            ),
            closes=(
                "on the whole {subject} is kinder to a beginner than {other}",
                "!learn {subject} before you move on to {other}",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} opens the workshop at dawn and gets ready for {subject}",
                "over breakfast {actor} draws a plan for a day of {subject}",
            ),
            middles=(
                "{pron} takes {tool} from the wall and tries it on a scrap",
                "all morning {pron} cuts {wood} and stacks it by the door",
                "at lunch {maker} look in and argue about {finish}",
                "because of {fault} {pron} has to begin again",
                "{actor} glues {part} and tightens the clamps",
                "{pron} tests some {finish} on a piece of {wood}",
            ),
            closes=(
                "when the lamp goes out, {actor} has a stiff back and {gain}",
                "in the evening {actor} runs a hand over the wood and nods",
            ),
        ),
        "question": Frames(
            opens=(
                "people take up {subject} because they can touch the result",
                "{subject} is mostly patience with a little sawdust on top",
                "a beginner in {subject} needs a bench, good light and time",
            ),
            middles=(),
            closes=(),
        ),
    },
)
