"""The job around a landing: arguments, login, events, errors."""
