"""Push rules: which events a user is told of, and how. Pure. Spec: Client-Server API § Push Notifications."""
