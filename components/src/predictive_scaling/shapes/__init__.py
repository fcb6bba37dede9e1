"""What a service is: its kind, containers with requests and limits, replicas, autoscaler.

Comes in: series of kube-state-metrics and cAdvisor, rendered manifests, what people say in values. Goes out: one shape
for each service, with what is not known left open; never one number for all of them.
"""
