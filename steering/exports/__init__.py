"""How does what was built here leave for other tools, and come back the same?

One file per format, and one interface: a function that takes a :class:`~steering.exports.subject.Subject` and gives the
bytes of one file, or raises ``ExportError`` with the reason why that format cannot hold it. ``formats`` names them all
and knows the reasons without loading anything.
"""
