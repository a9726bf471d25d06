"""What is made of a patient: fused image, estimates, maps, and the files that hold them."""
