"""A real service on one machine: several sites, each with its NATS server and its node, to be hurt."""
