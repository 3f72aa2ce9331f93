"""The control tower's rules: keys, alerts, incidents, check-ins, and the forms an alert takes. Pure."""
