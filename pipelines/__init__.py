"""Millstream's platform in plain Python: one folder a room, layers as ARCHITECTURE.md draws them."""
