"""A history run through the stages: which alerts it would have raised, and what is worth knowing before a brand goes live."""
