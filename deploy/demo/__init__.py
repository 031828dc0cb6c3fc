"""The demo: simulated phones make an hour of calls, and the report shows what came of them."""
