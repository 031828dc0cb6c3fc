"""All that runs the pipeline: migrations, the local stack, the demo."""
