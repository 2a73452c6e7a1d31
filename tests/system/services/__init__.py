"""Services, as runit supervises them."""
