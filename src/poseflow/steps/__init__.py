"""The steps of the pipeline, one function each."""
