"""The commands: flags and messages; the work is done in the rooms below. Those that export are in `logo_keras.export`."""
