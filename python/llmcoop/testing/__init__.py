"""Find the inputs on which a wrong rewrite fails, and say how much of the program the tests exercise."""
