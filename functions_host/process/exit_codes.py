"""What the host's process says with its exit code."""

# EX_TEMPFAIL: start me again.
STUCK_EXIT_CODE = 75
