"""Stack Exchange dumps as labelled examples: the tags of a question are the labels of its posts.

The source of labels in Jørgensen & Hansen (arXiv 2605.31183). ``build_labelled_set`` reads a ``Posts.xml`` of any size
and writes texts, labels and threads. The dumps come as ``.7z`` archives, which are not opened here: unpack them first.
"""

from steering.stackexchange.building import DumpSettings, build_labelled_set
from steering.stackexchange.report import DumpReport

__all__ = ["DumpReport", "DumpSettings", "build_labelled_set"]
