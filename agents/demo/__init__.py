"""The demo: four weeks of five invented brands, with a row, a bot flood, a wave of praise and a campaign planted in them."""
