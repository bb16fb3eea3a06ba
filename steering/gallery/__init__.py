"""Worked studies on the embedded world that ship with the project; ``python -m benchmarks.gallery`` makes them."""
