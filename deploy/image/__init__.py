"""The container image, and what runs only inside it."""
