"""Will it fit? What a model needs on each GPU and on the host: `estimate.estimate` puts the parts together."""
