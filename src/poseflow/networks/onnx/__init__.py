"""Networks and what is done with their maps as ONNX graphs, for programs that have no Keras."""
