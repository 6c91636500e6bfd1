"""The landing compared with other readers, on one machine and one database: `make bench-landing`."""
