"""How is a whole model trained on the positives, and its weights switched on for a while?"""
