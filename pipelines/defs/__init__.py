"""What Dagster schedules: one folder a stage; each asset calls a room and reports what was written."""
