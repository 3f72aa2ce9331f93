"""CAP 1.2: alerts as other services read and write them. Spec: OASIS Common Alerting Protocol 1.2."""

KEY_FILE, CERTIFICATE_FILE = "cap.key", "cap.pem"
