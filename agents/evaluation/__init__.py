"""`rootline evaluate`: how good rankings are on recordings whose truth is known."""
