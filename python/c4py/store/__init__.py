"""Content by its ID."""
