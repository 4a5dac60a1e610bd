"""Kubernetes as a workload driver: Deployments, StatefulSets and DaemonSets."""
