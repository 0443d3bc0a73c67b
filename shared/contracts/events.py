"""What events tells: nothing yet that others need; its facts are declared here when a slice publishes one."""
