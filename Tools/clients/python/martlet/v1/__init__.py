"""Messages generated from Protos/ by Tools/generate-protos."""
