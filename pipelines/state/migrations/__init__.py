"""Alembic's folder: how the state store came to be what `tables.py` says."""
