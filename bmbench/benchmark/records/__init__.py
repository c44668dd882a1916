"""What a run leaves on disk and reads back: its folder, options, environment, clock, settings, detector."""
