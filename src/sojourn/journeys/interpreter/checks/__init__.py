"""Whether a definition makes sense, one file a question; `validate.py` asks them all."""
