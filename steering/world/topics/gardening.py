"""What can be said about gardening?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="gardening",
    title="Gardening",
    subjects=("lavender", "basil", "garlic", "clover", "ivy", "spinach", "rhubarb", "mint", "jasmine", "kale"),
    slots={
        "soil": ("sandy soil", "heavy clay", "loose earth", "rich compost", "stony ground", "chalky soil"),
        "pest": ("slugs", "aphids", "snails", "beetles", "caterpillars", "earwigs"),
        "tool": ("a sharp spade", "an old fork", "a small trowel", "a pair of shears", "a watering can", "a rake"),
        "part": ("the roots", "the young leaves", "the stems", "the buds", "the lower shoots"),
        "place": ("beside the wall", "along the fence", "under the pear tree", "near the back door", "in a wooden box"),
        "gardener": (
            "most gardeners",
            "patient growers",
            "old hands",
            "the people at the nursery",
            "many allotment keepers",
        ),
        "mulch": ("straw", "leaf mould", "bark chips", "grass clippings", "old hay"),
    },
    instructions={
        "explain": (
            "explain how {subject} grows",
            "explain what {subject} needs in a garden",
            "tell me how {subject} is raised from seed",
        ),
        "advise": (
            "give me some advice on growing {subject}",
            "help me plant {subject} at home",
            "share a few tips for healthy {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about someone who plants {subject}",
            "tell a story set in a garden full of {subject}",
        ),
        "compare": (
            "compare {subject} with {other} in the garden",
            "tell me how growing {subject} differs from growing {other}",
            "weigh {subject} against {other} for a small bed",
        ),
        "day": (
            "describe a day spent tending {subject}",
            "describe a gardener's day among {subject}",
            "walk me through a day of planting {subject}",
        ),
        "question": ("why does {subject} sometimes fail", "is {subject} easy to grow", "what does {subject} like best"),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} grows best where its roots have room",
                "everything about {subject} begins with the ground it stands in",
                "{subject} is a modest plant with a few firm habits",
            ),
            middles=(
                "in {soil} the seeds wake slowly, and {part} take their time",
                "{part} store what the plant has made of light and water",
                "a layer of {mulch} keeps the ground moist and the weeds small",
                "{pest} find it sooner or later, but seldom do lasting harm",
                "{gardener} thin the rows early, so that {part} can spread",
                "planted {place}, it finds both light and shelter",
                "as {part} grow older, they turn tough and need cutting back",
            ),
            closes=(
                "from then on {subject} asks for very little",
                "once it has settled, {subject} comes back year after year",
            ),
        ),
        "advise": Frames(
            opens=(
                "the first rule with {subject} is to choose the right spot",
                "if you want strong {subject}, prepare the bed well before planting",
                "give {subject} more space than you think it needs",
            ),
            middles=(
                "loosen the ground with {tool} and mix in some {mulch}",
                "put it {place}, where you will see it every day",
                "check {part} twice a week, because {pest} love to hide there",
                "avoid {soil} if you can, or improve it with {mulch}",
                "water at the base and keep {part} dry",
                "do not panic about {pest}, and pick them off by hand",
                "listen to {gardener} and never plant too deep",
            ),
            closes=(
                "then leave your {subject} alone and let it work",
                "with that much care, {subject} will thank you by autumn",
            ),
        ),
        "story": Frames(
            opens=(
                "in spring {actor} planted {subject} {place}",
                "{actor} inherited a garden where nothing but {subject} would grow",
            ),
            middles=(
                "{pron} borrowed {tool} from an uncle and began to dig",
                "for weeks there was only {soil} and a good deal of hope",
                "one night {pest} came and ate half of {part}",
                "{actor} spread {mulch} over the bed and waited",
                "{gardener} shook their heads, but {pron} carried on",
                "then one morning {part} were suddenly twice as long",
            ),
            closes=(
                "by the end of summer {actor} had enough {subject} to give away",
                "now {poss} neighbours all grow {subject} too",
                "{actor} kept the first dry sprig of {subject} in a book",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} forgives mistakes, while {other} remembers every one",
                "{subject} and {other} share a bed well, but they want different things",
            ),
            middles=(
                "{subject} is content with {soil}, whereas {other} sulks in it",
                "{pest} prefer {other} and mostly leave {subject} in peace",
                "with {subject} you watch {part}, and with {other} you watch the calendar",
                "{other} needs {mulch} every year, but {subject} can do without",
                "{gardener} put {subject} {place} and keep {other} in a pot",
            ),
            closes=(
                "for a beginner, {subject} is the safer choice",
                "!if there is room, grow {subject} and {other} side by side",
            ),
        ),
        "day": Frames(
            opens=(
                "before breakfast {actor} walks out to look at the {subject}",
                "the morning starts for {actor} with {tool} and a row of {subject}",
            ),
            middles=(
                "{pron} loosens {soil} and pulls the first weeds",
                "toward noon {pron} ties up {part} with soft string",
                "{actor} finds {pest} on the leaves and carries them away",
                "after lunch {pron} spreads {mulch} between the rows",
                "a neighbour leans over the gate and asks for {tool}",
                "for a while {actor} just sits {place} and listens to the bees",
            ),
            closes=(
                "in the evening {actor} waters the {subject} one last time",
                "at dusk {pron} cleans {tool} and counts the new leaves",
            ),
        ),
        "question": Frames(
            opens=(
                "the honest answer is that {subject} depends on its soil",
                "{subject} usually does well if it is not fussed over",
                "what {subject} wants most is light and a steady hand",
            ),
            middles=(),
            closes=(),
        ),
    },
)
