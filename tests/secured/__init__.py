"""The pipeline with everything over TLS, and Kafka with a password, by settings alone."""
