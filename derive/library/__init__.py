"""The records of the catalogue's operations: data only, a file a group."""
