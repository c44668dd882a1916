"""`bmbench predict`: images of any size → tiles → a trained run's detections → files."""
