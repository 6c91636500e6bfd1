"""Makes a batch visible, and removes what no reader needs."""
