"""Files of people and their consents, read row by row: bad rows are named with their line, good ones go in."""
