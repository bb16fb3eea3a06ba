"""Which features read the label, how sure is that, and what was left out on the way?"""

from steering.ranking.features import FeatureRank, Ranking
from steering.ranking.filters import FilterStep
from steering.ranking.labels import FeatureLabels, feature_labels
from steering.ranking.prior import PRIORS, choose_pi0
from steering.ranking.rank import Effects, Progress, rank_all_labels, rank_features
from steering.ranking.settings import RankingSettings, SplitRows

__all__ = [
    "PRIORS",
    "Effects",
    "FeatureLabels",
    "FeatureRank",
    "FilterStep",
    "Progress",
    "Ranking",
    "RankingSettings",
    "SplitRows",
    "choose_pi0",
    "feature_labels",
    "rank_all_labels",
    "rank_features",
]
