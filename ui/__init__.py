"""Everything that screens share; pages import from here, and this imports ``steering``, never the other way round."""
