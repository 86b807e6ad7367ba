"""Learning: the objective, who steps, the loop, what is kept of it. Knows nothing of film files."""
