"""The steps of planning, one module each. Stages never import each other."""
