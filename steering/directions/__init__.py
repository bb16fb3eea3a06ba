"""Which directions in the residual stream can be found without an SAE?"""
