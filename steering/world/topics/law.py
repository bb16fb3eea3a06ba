"""What can be said about law?"""

from steering.world.topics.topic import Frames, Topic

TOPIC = Topic(
    name="law",
    title="Law",
    subjects=(
        "contract law",
        "copyright",
        "tenancy law",
        "bail",
        "jury duty",
        "legal aid",
        "inheritance law",
        "arbitration",
        "consumer law",
        "planning law",
    ),
    slots={
        "judge": ("the judge", "the court", "the tribunal", "the magistrate", "the clerk of the court"),
        "party": ("the tenant", "the buyer", "the employer", "the author", "the witness", "the landlord"),
        "paper": (
            "a signed letter",
            "the written agreement",
            "a sworn statement",
            "an old receipt",
            "the original deed",
        ),
        "virtue": ("fairness", "certainty", "good faith", "equal treatment", "plain dealing"),
        "step": ("an appeal", "a hearing", "a settlement", "a formal complaint", "a second opinion"),
        "lawyer": ("a good lawyer", "an experienced solicitor", "a local adviser", "a patient barrister"),
    },
    instructions={
        "explain": (
            "explain how {subject} works",
            "explain the purpose of {subject}",
            "tell me what {subject} is about",
        ),
        "advise": (
            "give me some advice on dealing with {subject}",
            "help me prepare for a case about {subject}",
            "share a few tips for anyone facing {subject}",
        ),
        "story": (
            "tell me a short story about {subject}",
            "write a little tale about a case of {subject}",
            "tell a story in which {subject} matters",
        ),
        "compare": (
            "compare {subject} with {other}",
            "tell me how {subject} differs from {other}",
            "weigh {subject} against {other} as fields of practice",
        ),
        "day": (
            "describe a day of a lawyer who works on {subject}",
            "describe a day in court about {subject}",
            "walk me through a day of work on {subject}",
        ),
        "question": ("why does {subject} exist", "is {subject} hard to understand", "who is protected by {subject}"),
    },
    frames={
        "explain": Frames(
            opens=(
                "{subject} exists to settle disputes before they grow",
                "in plain words, {subject} decides who may rely on what",
                "the idea behind {subject} is older than any court building",
            ),
            middles=(
                "{party} must show {paper}, and {judge} decides what it means",
                "the rules aim at {virtue} rather than at revenge",
                "if one side disagrees, {step} is still possible",
                "{judge} looks first at the words and then at the conduct of {party}",
                "without {paper} it is hard to prove anything",
                "{lawyer} can often end the matter with {step}",
                "the law protects {party} as long as there is {virtue} on both sides",
            ),
            closes=(
                "that is the core of {subject}, and the rest is detail",
                "so {subject} is less mysterious than it sounds",
            ),
        ),
        "advise": Frames(
            opens=(
                "when you deal with {subject}, put everything in writing",
                "the first step in any matter of {subject} is to stay calm",
                "take {subject} seriously from the very first letter",
            ),
            middles=(
                "keep {paper} in a safe place and make a copy for {lawyer}",
                "ask {lawyer} before you agree to {step}",
                "be polite to {judge}, even when you feel wronged",
                "never threaten {party}, because it weakens your case",
                "note every date on which you spoke with {party}",
                "remember that {judge} values {virtue} above clever words",
                "if nothing helps, {step} may still be open to you",
            ),
            closes=(
                "with these habits, {subject} loses most of its terror",
                "in the end {subject} rewards those who prepare",
            ),
        ),
        "story": Frames(
            opens=(
                "{actor} had never heard of {subject} until a letter arrived one morning",
                "the case that taught {actor} about {subject} began with a quarrel",
            ),
            middles=(
                "{pron} searched the whole house for {paper}",
                "{lawyer} read every page twice and said nothing for a while",
                "{judge} listened to {party} with a raised eyebrow",
                "{party} offered {step}, but {actor} refused",
                "at the hearing {pron} spoke about {virtue}, and the room went quiet",
                "then someone found {paper} behind a drawer",
            ),
            closes=(
                "{judge} ruled for {actor}, and the quarrel was over",
                "since that day {actor} reads everything before signing it",
                "{actor} later studied {subject} and never regretted it",
            ),
        ),
        "compare": Frames(
            opens=(
                "{subject} and {other} meet in the same courtroom but follow different logic",
                "{subject} is mostly about people, while {other} is mostly about papers",
            ),
            middles=(
                "in {subject} the key question is {virtue}, and in {other} it is proof",
                "{subject} often ends with {step}, whereas {other} drags on",
                "{other} depends on {paper}, but {subject} leaves more to {judge}",
                "{lawyer} can learn {subject} in a year, but {other} takes longer",
                "{party} will meet {other} sooner than {subject}",
            ),
            closes=(
                "in practice {subject} and {other} often overlap",
                "if you must choose a field, {subject} is the livelier one",
            ),
        ),
        "day": Frames(
            opens=(
                "{actor} works on {subject}, and the day starts with a stack of files",
                "at eight {actor} is already at the desk with a case of {subject}",
            ),
            middles=(
                "first {pron} reads {paper} from beginning to end",
                "before lunch {party} calls and asks about {step}",
                "in the corridor {pron} meets {lawyer} and trades news",
                "{judge} wants an answer, so {actor} writes a short note",
                "the afternoon goes to {step} in a small room without windows",
                "{actor} explains to {party} what {virtue} means in practice",
            ),
            closes=(
                "in the evening {actor} closes the file and goes home on foot",
                "by six the desk is clear, and {subject} can wait until tomorrow",
            ),
        ),
        "question": Frames(
            opens=(
                "the simple answer is that {subject} protects the weaker side",
                "{subject} is hard at first and becomes clear with examples",
                "people need {subject} because memories differ",
            ),
            middles=(),
            closes=(),
        ),
    },
)
