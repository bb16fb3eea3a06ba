"""How does the grammar become token ids?"""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from steering.world.chance import Chance
from steering.world.grammar import draw_sample

if TYPE_CHECKING:
    from transformers import PreTrainedTokenizerBase

BOS, EOS, PAD, USER, ASSISTANT = "<bos>", "<eos>", "<pad>", "<|user|>", "<|assistant|>"
SPECIAL_TOKENS = (PAD, BOS, EOS, USER, ASSISTANT)
CHAT_TEMPLATE = (
    "{{ bos_token }}{% for message in messages %}"
    "{% if message['role'] == 'user' %}<|user|>{{ message['content'] }}"
    "{% elif message['role'] == 'assistant' %}<|assistant|>{{ message['content'] }}{{ eos_token }}"
    "{% else %}{{ raise_exception('Only the roles user and assistant exist here; "
    "drop the message of role ' + message['role'] + '.') }}"
    "{% endif %}{% endfor %}{% if add_generation_prompt %}<|assistant|>{% endif %}"
)


def document(instruction: str, response: str) -> str:
    """One training document: what the chat template makes of an instruction and its answer."""
    return f"{BOS}{USER}{instruction}{ASSISTANT}{response}{EOS}"


def train_tokenizer(
    folder: Path, *, seed: int, documents: int, entries: int, context: int
) -> "PreTrainedTokenizerBase":
    """Learn a byte-level BPE on the grammar's text and save it.

    Every byte has a token, so no text is unknown. Digits are always tokens of their own.

    Args:
        folder: where the tokenizer's files go.
        seed: seed of the documents.
        documents: how many documents to learn from.
        entries: size of the vocabulary, special tokens included.
        context: context length of the model, written as ``model_max_length``.
    """
    from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
    from transformers import PreTrainedTokenizerFast

    bpe = Tokenizer(models.BPE(byte_fallback=False))
    words = Regex(r"'[a-z]+|\p{N}| ?\p{L}+(?:['’-]\p{L}+)*| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+")
    bpe.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(words, behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    bpe.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=entries,
        special_tokens=list(SPECIAL_TOKENS),
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    rng = Chance(f"tokenizer {seed}")
    samples = (draw_sample(rng) for _ in range(documents))
    bpe.train_from_iterator((text for sample in samples for text in (sample.instruction, sample.response)), trainer)
    tokenizer = PreTrainedTokenizerFast(
        tokenizer_object=bpe,
        bos_token=BOS,
        eos_token=EOS,
        pad_token=PAD,
        additional_special_tokens=[USER, ASSISTANT],
        model_max_length=context,
        clean_up_tokenization_spaces=False,
        padding_side="right",
    )
    tokenizer.chat_template = CHAT_TEMPLATE
    tokenizer.save_pretrained(folder)
    return tokenizer


def token_batches(
    tokenizer: "PreTrainedTokenizerBase", *, seed: int, tokens: int, context: int, pool: int
) -> Iterator[list[list[int]]]:
    """Endless batches of documents of similar length, each of at most ``tokens`` tokens with padding.

    Args:
        tokenizer: made by `train_tokenizer`.
        seed: the same seed gives the same batches.
        tokens: budget of one batch, padding included.
        context: longer documents are left out.
        pool: documents drawn, sorted by length and cut into batches at a time.
    """
    rng = Chance(f"corpus {seed}")
    while True:
        samples = [draw_sample(rng) for _ in range(pool)]
        texts = [document(sample.instruction, sample.response) for sample in samples]
        rows = [row for row in tokenizer(texts, add_special_tokens=False)["input_ids"] if len(row) <= context]
        rows.sort(key=len)
        batches: list[list[list[int]]] = []
        batch: list[list[int]] = []
        for row in rows:
            if batch and (len(batch) + 1) * len(row) > tokens:
                batches.append(batch)
                batch = []
            batch.append(row)
        rng.shuffle(batches)
        yield from batches
