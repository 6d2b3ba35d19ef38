"""Claims what is due, works out what it means, and has the store carry it out."""
