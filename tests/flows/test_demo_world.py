"""The demo: a world that is always the same, its stages, its clock, and the way back."""
