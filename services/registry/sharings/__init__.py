"""What a network lets another one see of its own, on purpose; nothing else of it is seen there."""
