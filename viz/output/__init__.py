"""From a picture to a file or a notebook."""
