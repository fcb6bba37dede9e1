"""Who acts on floors: comes in a service's shape and its place; goes out a kustomize component for KEDA or HPAs.

A consumer stands beside a reactive trigger and can only raise the count. Nothing here touches a cluster.
"""
