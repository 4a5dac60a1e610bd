"""The program: commands, the app shell, and the wiring of configuration to real clients."""
