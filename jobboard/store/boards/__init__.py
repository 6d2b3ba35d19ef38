"""Boards and jobs as they are stored: definitions, their history, and what people lay over them."""
