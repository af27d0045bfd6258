"""TorchServe archives: what the server will say to them."""
