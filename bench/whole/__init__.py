"""The whole size, once, really: a made-up organisation through emulator, host and Azurite, to published tables."""
