"""What must be true while servers and workers come, go, fail and die; one promise a file."""
