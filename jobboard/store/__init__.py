"""The only package that talks to Redis: what is kept there, and the scripts that change it."""
