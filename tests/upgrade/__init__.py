"""What earlier versions wrote, frozen, and the present code reading it."""
