"""Side-by-side measurements, run by hand: each prints what stands in docs/."""
