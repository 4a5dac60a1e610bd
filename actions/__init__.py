"""What one can do: observe, plan, act and record. Complete without a screen; imports neither Textual nor Rich."""
