"""Local codes, and what people decide they mean."""
