"""How much CPU, memory and disk so many calls a day need."""
