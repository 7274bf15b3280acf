"""What a request may have, as in the Functions host: bytes, but for the fields."""

MAX_TARGET = 8 * 1024
MAX_HEADERS = 32 * 1024
MAX_FIELDS = 100
MAX_BODY = 104_857_600
