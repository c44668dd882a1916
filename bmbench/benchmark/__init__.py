"""The protocol: profiles, train → validate → optimise → test, run directories."""
