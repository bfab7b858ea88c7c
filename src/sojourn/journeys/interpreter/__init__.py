"""PURE: reads definitions, checks them, and walks one run from wait to wait. Values in, values out.

Nothing in here knows a database, a clock, the network or chance; effects are values that `journeys/actions` carries
out.
"""
