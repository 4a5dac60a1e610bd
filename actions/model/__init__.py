"""The words of the house: frozen models and pure functions, no input or output, no clock."""
