"""How well proposals cover the objects that a training is to learn."""
