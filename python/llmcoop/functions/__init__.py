"""Evidence for single functions: old and new versions run side by side, and programs around functions without main."""
