"""`python -m sparring`: the same as the command."""

from sparring.main import console_script

console_script()
