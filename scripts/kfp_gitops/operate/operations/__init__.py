"""What people do at night: turn schedules off and on again, run what failed once more, make up for missed days."""
