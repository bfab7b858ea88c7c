"""The statements of journeys: `definitions` (journeys and versions), `runs` (hot), `inspect` (what is shown)."""
