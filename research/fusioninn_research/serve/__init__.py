"""Does a fused image serve? A segmenter on the sources, their estimates, the fused image and the plain mean."""
