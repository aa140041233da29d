"""The commands: what each is called, what it takes, and what its help says.

Each loads what it needs when it is called: completion and help answer at once.
"""
