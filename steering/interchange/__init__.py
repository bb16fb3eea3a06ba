"""How do other programs' folders take what was selected here, and give back what they made of it?

``axbench_layout`` says which files AxBench reads; ``axbench_features`` and ``axbench_directions`` write what was
selected for its inference; ``axbench_detection`` and ``axbench_steering`` write what was measured for its evaluation,
and read its results back.
"""
