"""What is claimed about speed, as commands anyone can run: ``python -m bench [NAME ...]``.

Each benchmark measures something beside its reference in the same run and prints the ratio: machines are
noisy, ratios less so. Nothing here is a test; nothing fails for being slow.
"""
