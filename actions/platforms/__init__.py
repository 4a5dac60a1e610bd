"""What a service runs on: workload and traffic drivers behind two small protocols."""
