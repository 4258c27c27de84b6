"""The first load of a hospital's history: files in, what became of them out."""
