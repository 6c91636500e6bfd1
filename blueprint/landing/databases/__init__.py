"""The database engines that a table can be read from."""
