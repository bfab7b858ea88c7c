"""Files that bring in profiles and consents."""
