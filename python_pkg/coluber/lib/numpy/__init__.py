"""NumPy's functions in the language that Coluber compiles; one file per topic, loaded when one of its functions is first needed."""
