"""How is AxBench's protocol run: every concept, method and seed, on one machine or many, stoppable and resumable?"""
