"""Export the network to TorchScript, ONNX, torch.export and TensorRT."""
