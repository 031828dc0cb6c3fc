{{/* A headless service: names for a StatefulSet's pods, and what Prometheus finds them by. */}}
{{- define "callagent.pods-service" }}
---
apiVersion: v1
kind: Service
metadata:
  name: {{ include "callagent.fullname" (index . 0) }}-{{ index . 1 }}-pods
  labels:
    {{- include "callagent.labels" . | nindent 4 }}
    callagent/metrics: "true"
spec:
  clusterIP: None
  publishNotReadyAddresses: true
  selector: {{- include "callagent.selector" . | nindent 4 }}
  ports:
    - {name: metrics, port: {{ index . 2 }}, targetPort: {{ index . 3 }}}
{{- end }}
