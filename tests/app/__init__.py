"""Tests of the community app, over its WSGI client and as the real process."""
