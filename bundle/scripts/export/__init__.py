"""Files that other runtimes take: TorchScript, ONNX, torch.export and TensorRT."""
