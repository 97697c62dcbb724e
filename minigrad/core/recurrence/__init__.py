"""What is recurrent on a tape: read beside core/time.py, by tapes and by transforms."""
