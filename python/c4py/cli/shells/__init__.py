"""Completion scripts, one module a shell: each has `script(verbs)`, which writes one out of the grammar."""
