"""Plans as people and programs read them: text, diff, JSON, Markdown, annotations."""
