"""The statements of the road out, one file a noun."""
