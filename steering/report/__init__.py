"""How is a whole comparison handed to somebody who has none of this installed? As one HTML file that needs no network.

``methods`` sums up what each method did, ``content`` says what is in a report, ``building`` gathers it from results,
``charts`` draws, ``rendering`` writes the file.
"""
