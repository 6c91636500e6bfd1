"""The landing beside other readers, on one machine and one database: `make bench-landing`."""
