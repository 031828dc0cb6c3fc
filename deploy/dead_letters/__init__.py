"""The command `python -m deploy.dead_letters`: looks at dead letters and replays them."""
