"""HTTP in, Kafka records out, and nothing else."""
