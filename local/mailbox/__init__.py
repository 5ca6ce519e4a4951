"""The local mailbox: takes every letter that the product sends on this machine, and shows it."""
