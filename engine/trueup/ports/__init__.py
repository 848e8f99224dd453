"""What the engine asks of the world: adapters stand behind these, and fakes of the tests."""
