"""Prints the version of the CPython that runs it."""

import sys

print(sys.version.split()[0])
