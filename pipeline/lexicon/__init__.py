"""Sentiment packs: per language a lexicon, own words, phrases and rules, in files that a webcare team can read."""
