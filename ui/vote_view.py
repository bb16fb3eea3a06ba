"""What does a rater see: a welcome, two answers at a time, and a thank-you?

Nothing that is sent to the browser names a method: texts and places only, and no title of the study.
"""

from dataclasses import dataclass, replace
from functools import partial

import streamlit as st

from steering.errors import StudyError
from steering.studies.library import library
from steering.studies.study import ID, check_id, new_id, now
from steering.votes import box
from steering.votes.ballot import Question, ballot
from steering.votes.contest import Contest, Item, open_contest
from steering.votes.vote import MAX_NAME, MAX_REASON, Choice, Vote
from ui.errors import show_error
from ui.text import counted, plain
from ui.tokens import completion_view
from ui.vote_results import question_of, rates_view

PARAMETER = "vote"
RATER = "rater"
_FAULT = "steerscope.vote.fault"
_BUTTONS: tuple[tuple[Choice, str, str], ...] = (
    ("left", "Left", "Left"),
    ("tie", "Tie", "Down"),
    ("right", "Right", "Right"),
)
"""What is chosen, what stands on the button, and the arrow key that presses it."""
_BUTTON_WIDTH = 106  # three in a row on a phone


@dataclass(frozen=True, slots=True)
class _Rater:
    """Who votes in this session, and where they are.

    Attributes:
        id: also in the address, so that a reload shows the same ballot.
        name: as given, may be empty.
        place: of the question that is shown; after the last one, the number of questions.
    """

    id: str
    name: str
    place: int


def booth(study_id: str) -> None:
    """Everything a rater sees.

    Raises:
        StudyError: no such study, or nothing to choose between.
    """
    shelf = library()
    if not shelf.has(check_id(study_id)):
        raise StudyError("The study is not on this server (any more); ask whoever sent you the link.")
    contest = open_contest(shelf, study_id)
    if not contest.pairs:
        raise StudyError(
            "All answers of this study are the same, so there is nothing to choose; ask whoever sent the link for "
            "another study."
        )
    rater: _Rater | None = st.session_state.get(_key(study_id))
    if rater is None:
        _welcome(contest)
        return
    st.query_params[RATER] = rater.id
    questions = ballot(contest, rater.id)
    votes = box.votes_of(shelf.root / study_id, rater.id)
    fault: str | None = st.session_state.pop(_FAULT, None)
    if fault:
        show_error(fault, title="Your choice was not kept")
    if rater.place < len(questions):
        _question(contest, questions, rater, votes)
    else:
        _thanks(contest, questions, rater, votes)


def _welcome(contest: Contest) -> None:
    """What is asked, and by whom it will be answered."""
    folder = library().root / contest.study_id
    given = st.query_params.get(RATER, "")
    known = given if ID.fullmatch(given) else None
    votes = box.votes_of(folder, known) if known else {}
    with st.container(width=680, key="vote_welcome"):
        st.title("Which answer is better?", anchor=False)
        rater = known or new_id()
        n_questions = len(ballot(contest, rater))
        st.markdown(
            f"You will see {counted(n_questions, 'pair')} of answers, each to the same prompt. Choose the better one, "
            "or a tie. Order and sides were drawn for you, and nobody tells you how an answer was made."
        )
        if n_questions < len(contest.pairs):
            st.caption(f"They were drawn at random from {len(contest.pairs):,} pairs.")
        st.markdown("**The question:** " + plain(question_of(contest, box.vote_settings(folder))))
        if votes:
            name = next(reversed(votes.values())).name
            st.info(
                f"{counted(len(votes), 'choice')} of {plain(name or 'somebody without a name')} "
                f"{'is' if len(votes) == 1 else 'are'} kept here.",
                icon=":material/history:",
            )
            with st.container(horizontal=True):
                st.button("Go on", key="vote_go_on", type="primary", on_click=_begin, args=(contest, rater, name))
                st.button("I am somebody else", key="vote_other", on_click=_forget)
            return
        name = st.text_input("Your name (may stay empty)", key="vote_name", max_chars=MAX_NAME)
        st.button("Begin", key="vote_begin", type="primary", icon=":material/play_arrow:", shortcut="Enter",
                  on_click=_begin, args=(contest, rater))  # fmt: skip
        st.caption("Whoever sent you the link will see your name, choices and reasons.")


def _begin(contest: Contest, rater: str, name: str | None = None) -> None:
    """Go to the first question that is not answered yet."""
    if name is None:
        name = str(st.session_state.get("vote_name", ""))[:MAX_NAME].strip()
    st.query_params[RATER] = rater
    votes = box.votes_of(library().root / contest.study_id, rater)
    questions = ballot(contest, rater)
    place = next((i for i, one in enumerate(questions) if _pair(one) not in votes), len(questions))
    st.session_state[_key(contest.study_id)] = _Rater(rater, name, place)


def _forget() -> None:
    """Be a new rater: the address was somebody else's."""
    del st.query_params[RATER]


def _question(
    contest: Contest, questions: tuple[Question, ...], rater: _Rater, votes: dict[tuple[int, int, int], Vote]
) -> None:
    place, question = rater.place, questions[rater.place]
    item, before = contest.items[question.pair.item], votes.get(_pair(question))
    st.progress(place / len(questions), text=f"{place + 1} of {len(questions)}")
    settings = box.vote_settings(library().root / contest.study_id)
    st.markdown(plain(question_of(contest, settings)))
    _prompt(item)
    for column, side, method in zip(st.columns(2), ("left", "right"), (question.left, question.right), strict=True):
        with column.container(border=True, height="stretch"):
            st.caption(f"**{side.capitalize()} answer**")
            text = item.texts[method]
            completion_view(
                [{"text": text}] if text else [], key=f"vote_{place}_{side}", placeholder="(nothing)",
                label=f"{side.capitalize()} answer",
            )  # fmt: skip
    choose = partial(_choose, contest.study_id, question, place)
    with st.container(horizontal=True, horizontal_alignment="center", key="vote_choices"):
        for choice, label, shortcut in _BUTTONS:
            chosen = before is not None and before.choice == choice
            st.button(label, key=f"vote_{choice}_{place}", shortcut=shortcut, width=_BUTTON_WIDTH,
                      type="primary" if chosen else "secondary", on_click=choose, args=(choice,))  # fmt: skip
    st.text_area(
        "Why? Write it before you choose (may stay empty)", before.reason if before else "", key=_why(place), height=72,
        max_chars=MAX_REASON,
    )  # fmt: skip
    with st.container(horizontal=True, key="vote_ways"):
        st.button("Back", key=f"vote_back_{place}", type="tertiary", icon=":material/undo:", shortcut="Up",
                  disabled=place == 0, on_click=_go, args=(contest.study_id, place - 1))  # fmt: skip
        if before is not None:
            st.button("Keep my choice", key=f"vote_next_{place}", type="tertiary", icon=":material/redo:",
                      on_click=_go, args=(contest.study_id, place + 1))  # fmt: skip


def _prompt(item: Item) -> None:
    with st.container(key="vote_prompt"):
        for turn in item.earlier:
            st.caption(f"{'You' if turn.role == 'user' else 'Model'}: {plain(turn.text)}")
        st.markdown(f"**{plain(item.prompt)}**")


def _choose(study_id: str, question: Question, place: int, choice: Choice) -> None:
    """Keep the choice, then show the next question; where it cannot be kept, stay and say so."""
    rater: _Rater = st.session_state[_key(study_id)]
    try:
        reason = str(st.session_state.get(_why(place)) or "").strip()[:MAX_REASON]
        vote = Vote(question.pair.item, question.left, question.right, choice, reason, rater.name, now())
        box.cast(library().root / study_id, rater.id, vote)
    except StudyError as error:
        st.session_state[_FAULT] = str(error)
        return
    _go(study_id, place + 1)


def _go(study_id: str, place: int) -> None:
    rater: _Rater = st.session_state[_key(study_id)]
    st.session_state[_key(study_id)] = replace(rater, place=max(place, 0))


def _thanks(
    contest: Contest, questions: tuple[Question, ...], rater: _Rater, votes: dict[tuple[int, int, int], Vote]
) -> None:
    folder = library().root / contest.study_id
    st.progress(1.0, text=f"{len(questions)} of {len(questions)}")
    st.title("Thank you", anchor=False)
    missing = [place for place, question in enumerate(questions) if _pair(question) not in votes]
    st.markdown(f"{counted(len(questions) - len(missing), 'choice')} kept. You may close this page.")
    with st.container(horizontal=True, key="vote_ways"):
        st.button("Back", key=f"vote_back_{rater.place}", type="tertiary", icon=":material/undo:", shortcut="Up",
                  on_click=_go, args=(contest.study_id, len(questions) - 1))  # fmt: skip
        if missing:
            st.button("Answer what is missing", key="vote_missing", on_click=_go, args=(contest.study_id, missing[0]))
    if not missing and box.vote_settings(folder).tells_raters:
        rates_view(contest, box.all_votes(folder), key="vote")


def _pair(question: Question) -> tuple[int, int, int]:
    return question.pair.item, question.pair.first, question.pair.second


def _why(place: int) -> str:
    return f"vote_why_{place}"


def _key(study_id: str) -> str:
    return f"steerscope.vote.{study_id}"
