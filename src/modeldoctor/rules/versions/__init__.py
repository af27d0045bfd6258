"""Rules about versions: torch, its companions, Python, NumPy, CUDA, drivers and GPUs."""
