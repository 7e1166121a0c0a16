"""What a compiled function may call, and how functions are read, judged, compiled and kept."""
