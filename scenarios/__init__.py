"""What goes wrong, for whom, from when to when: faults, and scenarios as timelines of faults."""
