"""What turns a service's slices into a running process."""
