"""How strongly should features be written, how far do methods move the model, and what else moves with them?"""
