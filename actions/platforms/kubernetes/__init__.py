"""Kubernetes as a workload driver: Deployments, StatefulSets and DaemonSets (P2, R5)."""
