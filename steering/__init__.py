"""Steerscope's core: from labelled examples to features, interventions and evidence.

Nothing in this package imports Streamlit, so that every verb works in a script, on a headless GPU machine and in a
test. Heavy libraries (torch, transformers, peft, sae_lens) are imported by the modules that use them, never here.
"""

__version__ = "0.1.0"
