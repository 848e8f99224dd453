"""The pure steps of planning and applying, one module each. Stages never import each other."""
