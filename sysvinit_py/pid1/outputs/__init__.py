"""What PID 1 does to the world: processes, the console, accounting records."""
