"""Forward and backward passes as people write them by hand, right and wrong: what ``derive check`` is measured on."""
