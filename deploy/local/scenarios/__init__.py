"""The stories that the demo tells, one module each; every figure is read back over HTTP before it is shown."""
