"""The library in the language that Coluber compiles: NumPy, math and builtin functions. See README.md."""
