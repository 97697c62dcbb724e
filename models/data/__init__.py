"""From a text or a task to the chunks that a model trains on."""
