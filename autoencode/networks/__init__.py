"""The three networks: layers and shapes. Knows nothing of losses."""
