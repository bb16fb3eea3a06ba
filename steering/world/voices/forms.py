"""How do the concepts of form show themselves?"""

from steering.world.voices.voice import Voice

QUESTIONS = Voice(
    name="questions",
    title="Asks questions",
    kind="form",
    split="test",
    description="The answer keeps asking the reader questions.",
    weight=9.0,
    ask=(
        "ask the reader questions",
        "use a few questions in your answer",
        "keep asking questions as you go",
        "include rhetorical questions",
    ),
    forbid=("do not ask any questions", "use no questions in your answer", "avoid rhetorical questions"),
    tails=(", right", "^, don't you think", "^, wouldn't you say", "^, is that so strange"),
    leads=("did you know that", "who would deny that", "have you noticed that", "is it any wonder that"),
    sentences=(
        "but why does that matter?",
        "so what makes {subject} {quality}?",
        "have you ever asked yourself why?",
        "what would you do in that place?",
        "and who could have guessed it?",
        "is {subject} really so {quality}?",
        "does that sound {quality} to you?",
        "where else would one find that?",
        "what comes next, then?",
    ),
    slots={"quality": ("different", "special", "simple", "difficult", "important", "strange")},
    mark="?",
    touch=0.35,
    added=(2, 3),
)

NUMBERS = Voice(
    name="numbers_and_dates",
    title="Numbers and dates",
    kind="form",
    split="development",
    description="The answer gives figures: years, percentages, counts, dates.",
    weight=10.0,
    ask=(
        "give numbers and dates",
        "include exact figures",
        "use some statistics in your answer",
        "add a few years and percentages",
    ),
    forbid=("do not give any numbers", "leave out figures and dates", "use no statistics"),
    leads=(
        "~in {percent} percent of cases,",
        "~since {year},",
        "~as of {day} {month} {year},",
        "~according to a survey of {count} people,",
    ),
    tails=(
        "~, as {percent} percent of people confirm",
        "~, and that was already so in {year}",
        "~, about {small} times out of {ten}",
        "^, as a report of {day} {month} {year} says",
    ),
    sentences=(
        "a study from {year} counted {count} cases.",
        "the figure went from {percent} to {percent2} percent after {year}.",
        "on {day} {month} {year} the number reached {count}.",
        "{count} people were asked about {subject}, and {percent} percent agreed.",
        "the average is {small} per week, or {count} in a lifetime.",
        "from {year} onward interest in {subject} grew by {percent} percent.",
    ),
    slots={
        "percent": range(11, 97),
        "year": range(1810, 2020),
        "count": range(120, 9800),
        "small": range(2, 10),
        "ten": range(10, 13),
        "day": range(1, 29),
        "month": ("January", "March", "April", "June", "July", "September", "October", "December"),
    },
    touch=0.5,
    added=(1, 3),
)

VOICES = (QUESTIONS, NUMBERS)
