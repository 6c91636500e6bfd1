"""Reads the splits of a batch into files and checks them."""
