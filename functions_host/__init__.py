"""A Functions host around Microsoft's worker library, for machines without `func`."""
