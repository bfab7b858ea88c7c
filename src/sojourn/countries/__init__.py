"""The country pack: what law and custom ask for, a country at a time, as data with its source, and pure look-ups."""
