"""Kafka records in, calls, rows and objects out: three Faust apps."""
