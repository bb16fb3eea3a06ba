"""The paper's labelling run, without the model: every feature gets a label, every label its features.

The order of use: ``open_source`` → ``deal_parts`` → ``sweep_pairs`` on the training part → ``choose_prior`` on the
validation part → ``judge_pairs`` on validation and test → ``labels_table`` → ``write_labels``. What needs a model
(firing frequencies, effects) is in ``steering.labelling``, which calls all of these.
"""

from steering.feature_labels.browsing import LabelQuery, LabelTable, choose_rows, labels_of_feature, rows_csv
from steering.feature_labels.pairs import Pairs, sweep_pairs
from steering.feature_labels.parts import Parts, deal_parts
from steering.feature_labels.prior import choose_prior
from steering.feature_labels.settings import LabellingSettings
from steering.feature_labels.source import ExampleSource, open_source
from steering.feature_labels.table import judge_pairs, labels_table, read_labels, write_labels

__all__ = [
    "ExampleSource",
    "LabelQuery",
    "LabelTable",
    "LabellingSettings",
    "Pairs",
    "Parts",
    "choose_prior",
    "choose_rows",
    "deal_parts",
    "judge_pairs",
    "labels_of_feature",
    "labels_table",
    "open_source",
    "read_labels",
    "rows_csv",
    "sweep_pairs",
    "write_labels",
]
