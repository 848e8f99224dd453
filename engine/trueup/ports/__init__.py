"""The interfaces to the outside world; adapters and the fakes of tests implement them."""
