"""One function a rule, in files by subject. `decide.py` lists them in their order."""
