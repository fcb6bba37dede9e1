"""Operations at night: pause and resume schedules, run again what failed, make up for missed days."""
