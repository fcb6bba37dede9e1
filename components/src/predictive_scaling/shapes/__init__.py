"""What a service is: comes in kube-state-metrics' series, rendered manifests or values; goes out its shape.

Kind, containers with requests and limits, replicas, autoscaler: never one number for all services.
"""
