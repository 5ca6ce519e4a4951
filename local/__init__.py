"""Everything that stands in for the outside on one machine. The product never imports this package."""
