"""What scores a completion, as AxBench does: concept, instruction and fluency, each 0, 1 or 2."""
