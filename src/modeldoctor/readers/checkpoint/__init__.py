"""Model files of every PyTorch format → `Checkpoint`, without executing them."""

from modeldoctor.readers.checkpoint.read import read_checkpoint, read_source

__all__ = ["read_checkpoint", "read_source"]
