"""Which tokens end a sentence? There a model has read the whole sentence and has to decide what the next one does.

A feature that tells such places of positives from those of negatives is one of the answer's plan rather than of a word,
and a vector written there alone leaves the tokens inside a sentence as they are.
"""

from dataclasses import replace
from weakref import WeakKeyDictionary

import torch
from jaxtyping import Bool
from torch import Tensor

from steering.encoding import EncodedText
from steering.models import LanguageModel
from steering.positions import Positions

_MARKS = (".", "!", "?", "…", "。", "！", "？")
_CLOSING = " \"')]}»”’*_"
"""What may stand behind the mark: ``He left."`` ends a sentence too."""
_tables: WeakKeyDictionary[object, Bool[Tensor, " vocab"]] = WeakKeyDictionary()


def ends_sentence(text: str) -> bool:
    """Whether a token of this text ends a sentence or a line.

    A token is judged by itself, for while an answer is written nobody knows what follows: the point of "3.5" or of
    "e.g." counts as well.
    """
    return text.rstrip(_CLOSING + "\n").endswith(_MARKS) or "\n" in text


def sentence_end_ids(model: LanguageModel) -> Bool[Tensor, " vocab"]:
    """For every id of the vocabulary whether its token ends a sentence; special tokens do not. On the CPU."""
    found = _tables.get(model.tokenizer)
    if found is None:
        texts = model.tokenizer.batch_decode([[one] for one in range(model.vocab_size)])
        found = torch.tensor([ends_sentence(text) for text in texts])
        found[[one for one in model.tokenizer.all_special_ids if one < len(found)]] = False
        _tables[model.tokenizer] = found
    return found


def at_sentence_ends(model: LanguageModel, text: EncodedText) -> EncodedText:
    """The same tokens, of which only the sentence ends of the last content are eligible, and its very last token.

    A prompt before the text is no longer eligible: its sentences are not the answer's. A text without any mark keeps
    its last token.
    """
    own = _own_places(text)
    read = {*_ends_among(model, text, own), *own[-1:]}
    return replace(text, eligible=tuple(place in read for place in range(len(text))), n_last=len(read))


def written_at_sentence_ends(model: LanguageModel, text: EncodedText) -> tuple[bool, ...]:
    """Where the scope ``sentence_ends`` writes while ``text`` is generated.

    At the sentence ends of the last content, and at the token before it unless that is the very first of the sequence,
    which may be a BOS.
    """
    own = _own_places(text)
    written = set(_ends_among(model, text, own))
    if own and own[0] > 1:
        written.add(own[0] - 1)
    return tuple(place in written for place in range(len(text)))


def _own_places(text: EncodedText) -> list[int]:
    """Places of the last content's tokens."""
    content = [place for place, eligible in enumerate(text.eligible) if eligible]
    return content[len(content) - text.n_last :]


def _ends_among(model: LanguageModel, text: EncodedText, places: list[int]) -> list[int]:
    """Those of ``places`` whose token ends a sentence."""
    ends = sentence_end_ids(model)
    return [place for place in places if ends[text.input_ids[place]]]


def read_positions(model: LanguageModel, text: EncodedText, positions: Positions) -> EncodedText:
    """The text with the eligible tokens that ``positions`` asks for."""
    return at_sentence_ends(model, text) if positions == "sentence_ends" else text
