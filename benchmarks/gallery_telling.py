"""What came out of a worked study, in words that its own numbers allow?

"Above" and "below" are said where the interval of the paired differences leaves 0 out, prompts being what varies; all
else is "not to be told apart". Title and text follow from these verdicts, and a test writes them again from the stored
scores.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.sparse import csc_array

from benchmarks.gallery_bench import FACTORS, FEW, PER_CLASS
from benchmarks.gallery_choosing import RULES, Row
from benchmarks.gallery_prompts import CANDIDATES, CHOOSING, TOGETHER, TOPIC
from steering.gallery.stories import Story
from steering.ranking.run import RankingRun
from steering.scores.auroc import auroc
from steering.scores.means import mean_interval
from steering.world.concepts import concept as named
from steering.world.instructions import read_prompt
from ui.controls import FACTOR_LIMIT, Strength
from ui.work import Generated

READS = 0.9
"""AUROC from which a feature is said to read something."""
SAID = {1: "above", 0: "not to be told apart from", -1: "below"}


@dataclass(frozen=True, slots=True)
class Verdict:
    """A difference of two means.

    Attributes:
        text: with its interval.
        sign: 0 where the interval holds 0, or there is none.
    """

    text: str
    sign: int


def verdict(differences: np.ndarray) -> Verdict:
    """What paired differences say, (prompts, samples)."""
    interval = mean_interval(differences)
    if interval is None:
        return Verdict(f"{differences.mean():+.2f}, the same on every prompt", int(np.sign(differences.mean())))
    low, high = interval
    return Verdict(f"{differences.mean():+.2f}, 95 % interval {low:+.2f} to {high:+.2f}", (low > 0) - (high < 0))


@dataclass(frozen=True, slots=True)
class Told:
    """What a study says.

    Attributes:
        title: what came out.
        note: with which numbers, and how concept and factors were chosen.
        came_out: whether it is the story that the concept was chosen for.
    """

    title: str
    note: str
    came_out: bool


@dataclass(frozen=True, slots=True, eq=False)
class Outcome:
    """What a study holds, as its story needs it.

    Attributes:
        story: which it is.
        run: examples and ranking.
        concept: that was looked for.
        feature_id: that was written.
        done: the answers with their scores.
        row: what the concept came to on the prompts it was chosen by.
        tried: concepts that were tried before, and did not come out.
        shared: other concepts whose ranking begins with the same feature.
    """

    story: Story
    run: RankingRun
    concept: str
    feature_id: int
    done: Generated
    row: Row
    tried: Sequence[str] = ()
    shared: Sequence[str] = ()

    def values(self, title: str, name: str = "overall") -> np.ndarray:
        """One rating of one method, (prompts, samples)."""
        place = self.done.titles.index(title)
        prompts = range(len(self.done.prompts))
        return np.array([[getattr(score, name) for score in self.done.scores_of(place, p)] for p in prompts], float)

    def mean(self, title: str, name: str = "overall") -> str:
        """Its mean."""
        return f"{self.values(title, name).mean():.2f}"

    def difference(self, first: str, second: str, name: str = "overall") -> Verdict:
        """First minus second, prompt by prompt."""
        return verdict(self.values(first, name) - self.values(second, name))

    def kl(self, title: str) -> str:
        """Mean KL to the baseline, nats per token."""
        place = self.done.titles.index(title)
        found = [one.receipt.kl for p in range(len(self.done.prompts)) for one in self.done.of(place, p)]
        return f"{np.mean([kl for kl in found if kl is not None]):.2f}"

    @property
    def factor(self) -> float:
        """Of the feature, on the screen that was steered."""
        strength = self.done.request.settings
        assert isinstance(strength, Strength)
        return strength.features[0][1]

    @property
    def title(self) -> str:
        """Of the concept."""
        return named(self.concept).title

    @property
    def ranked(self) -> str:
        """Which feature it is."""
        best = self.run.rankings[self.concept].features[0]
        told = f"Feature {best.feature_id} is the first of the ranking (held-out AUROC {best.auroc_heldout:.2f})"
        if self.shared:
            titles = " and of ".join(f"“{named(one).title}”" for one in self.shared)
            told += f"; it is the first of {titles} too, so it stands for more than this concept"
        return f"{told}."

    @property
    def chosen(self) -> str:
        """How the concept and the factors were chosen."""
        ask = self.done.request.ask
        where = f"on {CHOOSING} other prompts"
        if self.concept == TOGETHER:
            why = f"{TOGETHER.capitalize()} was taken because the world writes it together with {TOPIC}."
        else:
            why = f"Of {len(CANDIDATES)} concepts, less those of studies before it, this one was taken because, "
            why += f"{where}, {RULES[self.story.id].told}."
        if self.tried:
            were = "was" if len(self.tried) == 1 else "were"
            titles = " and ".join(f"“{named(one).title}”" for one in self.tried)
            why += f" By the same rule {titles} {were} tried too, and did not come out on prompts "
            why += "of their own."
        return (
            f"How it was chosen: {why} {self._factors(where)} The "
            f"{len(ask.prompts)} prompts shown here, with {ask.count} answers to each under every method, were fixed "
            "by a seed before anything was computed, and are in no other study."
        )

    def _factors(self, where: str) -> str:
        if self.story.id == "silencedconcept2":
            told = f"The edit is the best of {FACTORS + 2}, {where}"
            return f"{told}: set to 0 in two ways, or written at {FACTORS} factors."
        told = f"Factors are the best of {FACTORS} for every method, {where}."
        if self.story.screen == "steer":
            return f"The factor that this one is set against is the best of {FACTORS}, {where}."
        for name, row in self.row["methods"].items():
            if row["flat"]:
                told += f" {name} scored {row['overall']:.2f} there at all of them, so it has the one nearest to where "
                told += f"the slider starts, {row['factor']:g}."
            elif row["at_end"]:
                told += f" For {name} it is the last of them, so more might have been better."
        return told


def tell(of: Outcome) -> Told:
    """Title and note of any of the six."""
    title, text, came_out = _TELLERS[of.story.id](of)
    return Told(title, f"{text}\n\n{of.chosen}\n\nLook at this: {of.story.look}", came_out)


def _features_win(of: Outcome) -> tuple[str, str, bool]:
    lora, diff, base = (of.difference("SAE", other) for other in ("LoRA", "DiffMean", "Baseline"))
    asked = of.difference("SAE", "Prompted")
    beats = [name for name, verdict in (("LoRA", lora), ("DiffMean", diff), ("the prompt", asked)) if verdict.sign > 0]
    level = [name for name, verdict in (("LoRA", lora), ("DiffMean", diff), ("the prompt", asked)) if verdict.sign == 0]
    title = f"{FEW} examples: " + ("one feature works, and wins nothing" if base.sign > 0 else "even here one fails")
    if beats:
        title = f"{FEW} examples: one feature beats {' and '.join(beats)}"
        title += f", level with {' and '.join(level)}" if level else ""
    text = (
        f"All that is known of the concept are {FEW} answers with it and {FEW} without; LoRA makes no fewer updates "
        f"with them than with {PER_CLASS}. {of.ranked} Added at factor {_plan_factor(of, 'SAE')} it scores "
        f"{of.mean('SAE')} of 2. That is "
        f"{SAID[lora.sign]} LoRA ({of.mean('LoRA')}; {lora.text}), {SAID[diff.sign]} DiffMean ({of.mean('DiffMean')}; "
        f"{diff.text}) and {SAID[asked.sign]} the prompt ({of.mean('Prompted')}; {asked.text}). The untouched model "
        f"scores {of.mean('Baseline')}."
    )
    came_out = lora.sign > 0 and diff.sign >= 0
    if came_out:
        text += " It is the best case for a feature, not the usual one: see Benchmark."
    return f"{title}: {of.title}", text, came_out


def _lora_wins(of: Outcome) -> tuple[str, str, bool]:
    lead, over = of.difference("LoRA", "SAE"), of.difference("LoRA", "Prompted")
    reads = of.run.rankings[of.concept].features[0].auroc_heldout >= READS
    title = "LoRA, a feature and a prompt: no winner"
    if lead.sign > 0:
        title = "LoRA learns what one feature only reads" if reads else "LoRA learns what no feature holds"
        title += {1: ", and beats asking", 0: ", level with asking", -1: ", and asking beats both"}[over.sign]
    text = (
        f"{of.ranked} Adding it at factor {_plan_factor(of, 'SAE')} scores {of.mean('SAE')} of 2; LoRA, trained on the "
        f"same examples, scores {of.mean('LoRA')} ({lead.text}). LoRA is {SAID[over.sign]} the prompt "
        f"({of.mean('Prompted')}; {over.text}). DiffMean scores {of.mean('DiffMean')}, the untouched model "
        f"{of.mean('Baseline')}."
    )
    return f"{title}: {of.title}", text, lead.sign > 0 and over.sign >= 0


def _asking_wins(of: Outcome) -> tuple[str, str, bool]:
    lora, sae = of.difference("Prompted", "LoRA"), of.difference("Prompted", "SAE")
    title = "Asking is not always enough"
    if min(lora.sign, sae.sign) > 0:
        title = "Asking beats training and steering"
    elif sae.sign > 0 and lora.sign == 0:
        title = "Asking beats steering, training is too close to call"
    text = (
        f"One sentence in the prompt scores {of.mean('Prompted')} of 2 and moves the model by {of.kl('Prompted')} nats "
        f"per token. LoRA scores {of.mean('LoRA')} at {of.kl('LoRA')} nats (prompt minus LoRA {lora.text}), feature "
        f"{of.feature_id} {of.mean('SAE')} at {of.kl('SAE')} (prompt minus feature {sae.text}), DiffMean "
        f"{of.mean('DiffMean')} at {of.kl('DiffMean')}, the untouched model {of.mean('Baseline')}."
    )
    return f"{title}: {of.title}", text, min(lora.sign, sae.sign) > 0


def _confounded(of: Outcome) -> tuple[str, str, bool]:
    run, half = of.run, len(of.done.prompts) // 2
    positive = run.examples.label(of.concept)
    cooking = np.array([read_prompt(prompt or "").topic == TOPIC for prompt in run.examples.prompts])
    fires = csc_array(run.statistics.frequency[:, [of.feature_id]])
    elsewhere = _auroc(fires, positive, ~cooking)
    kitchens = _auroc(fires, cooking, ~positive)

    def both(title: str) -> str:
        values = of.values(title, "concept")
        return f"{values[:half].mean():.2f} and {values[half:].mean():.2f}"

    title = "Examples of wine that are examples of cooking"
    if elsewhere >= READS > kitchens:
        writes = of.difference("SAE", "Baseline", "concept").sign > 0
        title = f"Wine among cooking: the feature reads past it{'' if writes else ', and is not seen to write wine'}"
    elif kitchens >= READS:
        title = "Wine among cooking: the best feature is one for kitchens"
    text = (
        "The examples are as one finds them: answers in which wine occurs unasked, and answers without. Of those with "
        f"wine {cooking[positive].mean():.0%} are about cooking, of the others {cooking[~positive].mean():.0%}, so a "
        f"feature for kitchens would rank well. {of.ranked} Outside the kitchen its AUROC for wine is {elsewhere:.2f}; "
        f"for cooking, among examples without wine, {kitchens:.2f}. Wine in the answers, 0 to 2, on {half} prompts "
        f"about cooking and on {len(of.done.prompts) - half} others: feature {both('SAE')}, DiffMean "
        f"{both('DiffMean')}, asked in the prompt {both('Prompted')}, untouched {both('Baseline')}. Over all of them "
        f"feature minus untouched is {of.difference('SAE', 'Baseline', 'concept').text}, DiffMean minus the feature "
        f"{of.difference('DiffMean', 'SAE', 'concept').text}."
    )
    return title, text, True


def _too_strong(of: Outcome) -> tuple[str, str, bool]:
    answers = [one for p in range(len(of.done.prompts)) for one in of.done.of(1, p)]
    loops = sum(one.receipt.repetition.is_looping for one in answers)
    enough, best = of.row["enough"], of.row["methods"]["SAE"]["factor"]

    def fall(name: str) -> Verdict:
        return verdict(of.values("Steered", name).mean(axis=1, keepdims=True) - np.array(enough[name])[:, None])

    fluency, overall = fall("fluency"), fall("overall")
    came_out = max(fluency.sign, overall.sign) < 0
    end = ", where the screen's range ends, and" if of.factor == FACTOR_LIMIT else ","
    text = (
        f"{of.ranked} Written at sentence ends at factor {best:g}, which was best on other prompts, it gives these "
        f"prompts an overall score of {np.mean(enough['overall']):.2f} of 2 and a fluency of "
        f"{np.mean(enough['fluency']):.2f} (the untouched model: {of.mean('Baseline', 'fluency')}). Here it is "
        f"{of.factor:g}{end} everywhere. Overall is then {of.mean('Steered')} "
        f"({overall.text}), fluency {of.mean('Steered', 'fluency')} ({fluency.text}), and the concept "
        f"stands at {of.mean('Steered', 'concept')}. The answers are {of.kl('Steered')} nats per token from the "
        f"untouched model; {loops} of {len(answers)} end in a loop."
    )
    return (
        f"{'Too strong a dose breaks the answer' if came_out else 'A strong dose, and it holds'}: {of.title}",
        text,
        came_out,
    )


def _silenced(of: Outcome) -> tuple[str, str, bool]:
    fall = of.difference("Steered", "Baseline", "concept")
    strength = of.done.request.settings
    assert isinstance(strength, Strength)
    where = "at sentence ends" if strength.scope == "sentence_ends" else "wherever it fires"
    how = f"Set to 0 {where}" if strength.mode == "ablate" else f"Written at factor {of.factor:g}"
    halved = of.values("Steered", "concept").mean() <= of.values("Baseline", "concept").mean() / 2
    title = "Taking one feature away does not silence it"
    if fall.sign < 0:
        title = "Asked for, and silenced" if halved else "Asked for: one feature less, and less of it"
    text = (
        f"Every prompt asks for it: “{of.done.prompts[0].partition('. ')[2] or of.title}” {of.ranked} {how}, it takes "
        f"the concept from {of.mean('Baseline', 'concept')} of 2 to {of.mean('Steered', 'concept')} ({fall.text}); "
        f"fluency goes from {of.mean('Baseline', 'fluency')} to {of.mean('Steered', 'fluency')}, following the rest of "
        f"the instruction from {of.mean('Baseline', 'instruction')} to {of.mean('Steered', 'instruction')}. The scores "
        "on the screen are for carrying the concept: here a lower one is what was wanted."
    )
    return f"{title}: {of.title}", text, fall.sign < 0 and halved


_TELLERS = {
    "wherefeatureswin": _features_win,
    "wherelorawins222": _lora_wins,
    "whereaskingwins2": _asking_wins,
    "winewithcooking2": _confounded,
    "toostrongadose22": _too_strong,
    "silencedconcept2": _silenced,
}


def _plan_factor(of: Outcome, method: str) -> str:
    return f"{of.row['methods'][method]['factor']:g}"


def _auroc(fires: csc_array, positive: np.ndarray, among: np.ndarray) -> float:
    return float(auroc(csc_array(fires[among]), positive[among])[0])
