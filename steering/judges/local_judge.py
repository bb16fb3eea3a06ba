"""What does a language model on this machine say about a completion?"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Literal

from steering.encoding import encode_prompt
from steering.errors import JudgeError, ModelError
from steering.fingerprints import weights_fingerprint
from steering.generation import Condition, Sampling, generate
from steering.judges.cache import Reply, ReplyCache
from steering.judges.rubric import SHORTER
from steering.judges.rubric_judge import Question, RubricJudge
from steering.judges.settings import MORE_TOKENS, JudgeSettings
from steering.models import LanguageModel


class LocalJudge(RubricJudge):
    """A model that `steering.models.load_model` loaded, as a `steering.judges.batch.BatchJudge`.

    Replies are drawn with the sample number as the seed, so the same question gives the same reply.

    Args:
        model: tuned to follow instructions; read without adapters or interventions.
        settings: temperature, length of a reply and batch size.
        cache: where replies are kept.

    Raises:
        JudgeError: no chat template, or no temperature or length limit.
    """

    def __init__(
        self, model: LanguageModel, *, settings: JudgeSettings | None = None, cache: ReplyCache | None = None
    ) -> None:
        self.model = model
        self.settings = settings or JudgeSettings()
        if not model.has_chat_template:
            raise JudgeError(
                f"{model.name} has no chat template, so it cannot be asked to judge; choose a model tuned to follow "
                "instructions."
            )
        if self.settings.temperature is None or self.settings.max_tokens is None:
            raise JudgeError("A local judge needs a temperature and a limit on the tokens of a reply; give both.")
        self._temperature = float(self.settings.temperature)
        self._max_tokens = self.settings.max_tokens
        super().__init__(
            {
                "judge": "local",
                "model": model.name,
                "weights": weights_fingerprint(model),
                "template": str(getattr(model.tokenizer, "chat_template", "")),
                "dtype": str(model.dtype),
                "temperature": self._temperature,
                "max_tokens": self._max_tokens,
            },
            cache,
        )

    @property
    def name(self) -> str:
        """The model's."""
        return f"{self.model.name} on this machine"

    def _answer(
        self,
        questions: Sequence[Question],
        deliver: Callable[[Question, Reply], None],
        should_stop: Callable[[], bool],
    ) -> None:
        cut: list[tuple[Question, Reply]] = []

        def whole_or_once_more(question: Question, reply: Reply) -> None:
            if reply.kind == "cut":
                cut.append((question, reply))
            else:
                deliver(question, self._keep(question, reply))

        self._generate(questions, "", self._max_tokens, whole_or_once_more, should_stop)
        first = dict(cut)

        def last_word(question: Question, reply: Reply) -> None:
            before = first.pop(question)
            if reply.kind == "failed":  # no room for a longer one
                reply = replace(before, kind="cut")
            else:
                reply = replace(
                    reply,
                    prompt_tokens=before.prompt_tokens + reply.prompt_tokens,
                    completion_tokens=before.completion_tokens + reply.completion_tokens,
                )
            deliver(question, self._keep(question, reply))

        self._generate(list(first), f"\n\n{SHORTER}", self._max_tokens * MORE_TOKENS, last_word, should_stop)

    def _generate(
        self,
        questions: Sequence[Question],
        more: str,
        max_tokens: int,
        deliver: Callable[[Question, Reply], None],
        should_stop: Callable[[], bool],
    ) -> None:
        """Reply to every question, with ``more`` behind it, in at most ``max_tokens``."""
        sampling = Sampling(max_new_tokens=max_tokens, temperature=self._temperature)
        fitting: dict[int, list[tuple[int, Question]]] = {}
        for question in questions:
            try:
                length = len(encode_prompt(self.model, question.prompt + more))
            except ModelError as error:
                deliver(question, Reply(str(error), "failed"))
                continue
            fitting.setdefault(question.sample, []).append((length, question))
        for sample, members in fitting.items():
            # Questions of like length share a batch, so that little of it is padding.
            ordered = [question for _, question in sorted(members, key=lambda member: member[0])]
            for start in range(0, len(ordered), self.settings.batch_size):
                if should_stop():
                    return
                batch = ordered[start : start + self.settings.batch_size]
                prompts = [question.prompt + more for question in batch]
                found = generate(
                    self.model,
                    [Condition("baseline")],
                    prompts,
                    sampling=sampling,
                    seed=sample,
                    measured=False,
                    should_stop=should_stop,
                )
                for question, completion in zip(batch, found, strict=True):
                    receipt = completion.receipt
                    if receipt.finished != "stopped":
                        kind: Literal["answered", "cut"] = "answered" if receipt.finished == "end" else "cut"
                        deliver(question, Reply(completion.text, kind, receipt.n_prompt_tokens, receipt.n_generated))
