"""What a batch lands: from the watermark to a batch plan."""
