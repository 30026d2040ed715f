"""The commands: logo-train, logo-evaluate, logo-predict. Flags and messages; the work is done below."""
