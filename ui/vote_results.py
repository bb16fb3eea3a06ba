"""What did the raters prefer, for whoever asked them: the link for raters, how they are asked, and the results?"""

from pathlib import Path

import pandas as pd
import streamlit as st

from steering.studies.library import library
from steering.studies.study import Study
from steering.votes import box
from steering.votes.ballot import MOST_QUESTIONS
from steering.votes.contest import Contest, open_contest
from steering.votes.results import VoteResults, results_of
from steering.votes.words import agreement_text, judge_text, rate_text
from ui import charts
from ui.compare_view import colours
from ui.errors import boundary
from ui.study_panel import address
from ui.text import counted, plain
from ui.vote_chart import win_rates

FEW_RATERS = 3


def question_of(contest: Contest, settings: box.VoteSettings) -> str:
    """What raters are asked: the owner's words, or what the judge rates."""
    return settings.question.strip() or (
        f"Which answer carries “{contest.concept}” better, while it still answers the prompt in fluent words?"
    )


def vote_panel(study: Study) -> None:
    """Ask people about a study, and see what they said.

    Raises:
        StudyError: the study has nothing to choose between, or is damaged.
    """
    folder = library().root / study.id
    votes = box.all_votes(folder)
    with (
        st.expander("Blind vote", icon=":material/how_to_vote:", expanded=bool(votes), key="vote_panel"),
        boundary("This study cannot be voted on"),
    ):
        contest = open_contest(library(), study.id)
        _ask(contest, folder)
        if votes:
            results_view(contest, votes)
        elif contest.pairs:
            st.caption("Nobody has voted yet. Results will stand here.")


def _ask(contest: Contest, folder: Path) -> None:
    settings = box.vote_settings(folder)
    if not contest.pairs:
        st.info("All answers of this study are the same: there is nothing to ask.", icon=":material/info:")
        return
    asked = counted(len(contest.pairs), "pair")
    if len(contest.pairs) > MOST_QUESTIONS:
        asked = f"{MOST_QUESTIONS} of {asked}, drawn anew for each"
    same = f" {counted(len(contest.same), 'pair')} of identical answers count as ties unasked." if contest.same else ""
    st.markdown(f"Each rater is asked about {asked}, in an order of their own, without method names.{same}")
    with st.container(horizontal=True):
        with st.popover("Copy the link for raters", icon=":material/link:", key="vote_link"):
            st.code(address("Vote", "vote", contest.study_id), language=None, wrap_lines=True)
            st.caption("Nobody has to sign in: who opens it twice can vote twice, so send it only to those you mean.")
        with st.popover("How they are asked", icon=":material/tune:", key="vote_asked"):
            question = st.text_area(
                "Question", settings.question, key=f"vote_question_{contest.study_id}", max_chars=box.MAX_QUESTION,
                placeholder=question_of(contest, box.VoteSettings()),
            )  # fmt: skip
            tells = st.toggle(
                "Show raters the results when they have finished", settings.tells_raters,
                key=f"vote_tells_{contest.study_id}",
            )  # fmt: skip
            if st.button("Keep", key="vote_keep", type="primary"):
                with boundary("Nothing was changed"):
                    box.keep_settings(folder, box.VoteSettings(question.strip(), tells_raters=tells))
                    st.toast("Kept", icon=":material/check:")


def results_view(contest: Contest, votes: box.Votes) -> None:
    """Everything the votes say."""
    results = results_of(contest, votes)
    rates_view(contest, votes, key="owner", results=results)
    st.dataframe(_pair_table(results), key="vote_pairs", hide_index=True, width="stretch")
    st.markdown(plain(agreement_text(results.agreement)))
    st.markdown(plain(judge_text(results.judge)))
    if results.left is not None:
        st.caption(f"The answer on the left was preferred in {results.left:.0%} of the decided votes.")
    if results.reasons:
        st.markdown("**Reasons**")
        st.dataframe(_reason_table(results), key="vote_reasons", hide_index=True, width="stretch")


def rates_view(contest: Contest, votes: box.Votes, *, key: str, results: VoteResults | None = None) -> None:
    """Win rates of the methods, and how many votes they rest on."""
    found = results or results_of(contest, votes)
    st.subheader(f"{counted(found.n_votes, 'vote')} by {counted(found.n_raters, 'rater')}", anchor=False)
    said = ". ".join(f"{method.title}: {rate_text(method.rate)}" for method in found.methods)
    charts.show(win_rates(found.methods, colours(contest.titles)), key=f"vote_rates_{key}", alt=f"Win rates. {said}")
    st.caption(
        "Share of votes for the method, ties half, mean over its opponents; 95 % intervals over prompts and raters."
        + (" With so few raters they say little about other people." if found.n_raters < FEW_RATERS else "")
    )


def _pair_table(results: VoteResults) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "First": [pair.first for pair in results.pairs],
            "Second": [pair.second for pair in results.pairs],
            "First wins (95 %)": [rate_text(pair.rate) for pair in results.pairs],
            "Won": [pair.wins for pair in results.pairs],
            "Tied": [pair.ties for pair in results.pairs],
            "Lost": [pair.losses for pair in results.pairs],
            "Same texts": [pair.n_same for pair in results.pairs],
        }
    )


def _reason_table(results: VoteResults) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "Preferred": [reason.chosen or "Tie" for reason in results.reasons],
            "Over": [reason.other for reason in results.reasons],
            "Why": [reason.text for reason in results.reasons],
            "Rater": [reason.name or "–" for reason in results.reasons],
            "Prompt": [reason.prompt for reason in results.reasons],
        }
    )
