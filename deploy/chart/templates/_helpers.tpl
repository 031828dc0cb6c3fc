{{- define "callagent.fullname" -}}
{{- if contains "callagent" .Release.Name }}{{ .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}{{ printf "%s-callagent" .Release.Name | trunc 40 | trimSuffix "-" }}{{ end }}
{{- end }}

{{/* What selects one component's pods. Call with (list $ "component"). */}}
{{- define "callagent.selector" -}}
{{- $root := index . 0 -}}
app.kubernetes.io/name: callagent
app.kubernetes.io/instance: {{ $root.Release.Name }}
app.kubernetes.io/component: {{ index . 1 }}
{{- end }}

{{- define "callagent.labels" -}}
{{- $root := index . 0 -}}
{{ include "callagent.selector" . }}
app.kubernetes.io/version: {{ $root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ $root.Release.Service }}
helm.sh/chart: {{ $root.Chart.Name }}-{{ $root.Chart.Version }}
{{- end }}

{{- define "callagent.image" -}}
{{ .Values.image.repository }}:{{ .Values.image.tag | default .Chart.AppVersion }}
{{- end }}

{{/* A process's user at Kafka as JSON, {user, passwordSecret}. Call with (list $ "process"). */}}
{{- define "callagent.kafkaUser" -}}
{{- $root := index . 0 -}}
{{- $kafka := $root.Values.kafka -}}
{{- $user := get $kafka.users (index . 1) | default (dict "user" $kafka.user "passwordSecret" $kafka.passwordSecret) -}}
{{- if $root.Values.strimzi.enabled }}
{{- $name := printf "%s-%s" (include "callagent.fullname" $root) (index . 1) -}}
{{- $user = dict "user" $name "passwordSecret" (dict "name" $name "key" "password") -}}
{{- end -}}
{{ toJson $user }}
{{- end }}

{{- define "callagent.brokers" -}}
{{- if .Values.strimzi.enabled -}}
{{ include "callagent.fullname" . }}-kafka-bootstrap:9093
{{- else -}}
{{ required "set kafka.brokers to the address of a Kafka, or strimzi.enabled to have one" .Values.kafka.brokers }}
{{- end }}
{{- end }}

{{- define "callagent.kafkaSecurity" -}}
{{ if .Values.strimzi.enabled }}SASL_SSL{{ else }}{{ .Values.kafka.security }}{{ end }}
{{- end }}

{{/* A secret as JSON, {name, key}; an empty name means that there is none. */}}
{{- define "callagent.kafkaCa" -}}
{{- if .Values.strimzi.enabled }}{{ dict "name" (printf "%s-cluster-ca-cert" (include "callagent.fullname" .)) "key" "ca.crt" | toJson }}
{{- else }}{{ .Values.kafka.caSecret | toJson }}{{ end }}
{{- end }}

{{- define "callagent.clickhouseUrl" -}}
{{- $url := .Values.clickhouse.url -}}
{{- if .Values.clickhouseInstallation.enabled }}{{ $url = printf "http://clickhouse-%s:8123" (include "callagent.fullname" .) }}{{ end -}}
{{- $url = required "set clickhouse.url to the address of a ClickHouse, or clickhouseInstallation.enabled to have one" $url -}}
{{ $url }}
{{- end }}

{{- define "callagent.clickhouseCluster" -}}
{{- $own := .Values.clickhouseInstallation -}}
{{ if and $own.enabled (gt (mul $own.shards $own.replicas) 1) }}callagent{{ else }}{{ .Values.clickhouse.cluster }}{{ end }}
{{- end }}

{{/* The ports of the servers as a JSON array: those that are named, and those of the addresses. */}}
{{- define "callagent.serverPorts" -}}
{{- $ports := .Values.networkPolicies.serverPorts -}}
{{- range concat (include "callagent.brokers" . | splitList ",") (list (include "callagent.clickhouseUrl" .) .Values.s3.url) }}
{{- with regexFind ":[0-9]+/?$" . }}{{ $ports = append $ports (. | trimPrefix ":" | trimSuffix "/" | int) }}{{ end }}
{{- end }}
{{- $all := list }}
{{- range $ports }}{{ $all = append $all (int .) }}{{ end }}
{{- $all | uniq | toJson }}
{{- end }}

{{- define "callagent.fromSecret" -}}
valueFrom:
  secretKeyRef:
    name: {{ .name }}
    key: {{ .key }}
{{- end }}

{{/* A value as people write it: Helm would print 1048576 as 1.048576e+06. */}}
{{- define "callagent.text" -}}
{{ if and (kindIs "float64" .) (eq (floor .) .) }}{{ int64 . }}{{ else }}{{ . }}{{ end }}
{{- end }}

{{/* A process's settings as environment variables. Of what it uses (clickhouse, s3, erasures) it gets what
belongs to it, here as in its mounts and volumes: nobody learns a password that is not needed. Call with
(list $ "process" dict-of-further-settings list-of-what-it-uses). */}}
{{- define "callagent.env" -}}
{{- $root := index . 0 -}}
{{- $kafkaUser := include "callagent.kafkaUser" . | fromJson -}}
{{- $values := $root.Values -}}
{{- $settings := dict
  "CALLAGENT_KAFKA_BROKERS" (include "callagent.brokers" $root)
  "CALLAGENT_KAFKA_SECURITY" (include "callagent.kafkaSecurity" $root)
  "CALLAGENT_KAFKA_PARTITIONS" $values.kafka.partitions
  "CALLAGENT_KAFKA_REPLICAS" $values.kafka.replicas
-}}
{{- if has "erasures" (index . 3) }}{{ $_ := set $settings "CALLAGENT_ERASURE_KEY_FILE" "/etc/callagent/erasures/erasures.key" }}{{ end }}
{{- $secrets := dict }}
{{- with $kafkaUser.passwordSecret }}{{ if .name }}{{ $_ := set $secrets "CALLAGENT_KAFKA_PASSWORD" . }}{{ end }}{{ end }}
{{- if has "clickhouse" (index . 3) }}
{{- $_ := set $settings "CALLAGENT_CLICKHOUSE_URL" (include "callagent.clickhouseUrl" $root) }}
{{- $_ := set $settings "CALLAGENT_CLICKHOUSE_USER" $values.clickhouse.user }}
{{- $_ := set $settings "CALLAGENT_CLICKHOUSE_DATABASE" $values.clickhouse.database }}
{{- $_ := set $settings "CALLAGENT_CLICKHOUSE_CLUSTER" (include "callagent.clickhouseCluster" $root) }}
{{- if $values.clickhouse.caSecret.name }}{{ $_ := set $settings "CALLAGENT_CLICKHOUSE_CA_FILE" "/etc/callagent/clickhouse/ca.crt" }}{{ end }}
{{- with $values.clickhouse.passwordSecret }}{{ if .name }}{{ $_ := set $secrets "CALLAGENT_CLICKHOUSE_PASSWORD" . }}{{ end }}{{ end }}
{{- end }}
{{- if has "s3" (index . 3) }}
{{- $_ := set $settings "CALLAGENT_S3_URL" (required "set s3.url to the address of an S3" $values.s3.url) }}
{{- with $values.s3.publicUrl }}{{ $_ := set $settings "CALLAGENT_S3_PUBLIC_URL" . }}{{ end }}
{{- $_ := set $settings "CALLAGENT_S3_BUCKET" $values.s3.bucket }}
{{- $_ := set $settings "CALLAGENT_S3_REGION" $values.s3.region }}
{{- if $values.s3.caSecret.name }}{{ $_ := set $settings "CALLAGENT_S3_CA_FILE" "/etc/callagent/s3/ca.crt" }}{{ end }}
{{- with $values.s3.credentialsSecret }}{{ if .name }}
{{- $_ := set $secrets "CALLAGENT_S3_ACCESS_KEY" (dict "name" .name "key" .accessKey) }}
{{- $_ := set $secrets "CALLAGENT_S3_SECRET_KEY" (dict "name" .name "key" .secretKey) }}
{{- end }}{{ end }}
{{- end }}
{{- if hasPrefix "SASL" (include "callagent.kafkaSecurity" $root) }}
{{- $_ := set $settings "CALLAGENT_KAFKA_SASL_MECHANISM" (ternary "SCRAM-SHA-512" $values.kafka.saslMechanism $values.strimzi.enabled) }}
{{- $_ := set $settings "CALLAGENT_KAFKA_USER" $kafkaUser.user }}
{{- end }}
{{- if (include "callagent.kafkaCa" $root | fromJson).name }}{{ $_ := set $settings "CALLAGENT_KAFKA_CA_FILE" "/etc/callagent/kafka/ca.crt" }}{{ end }}
{{- $settings = mergeOverwrite $settings (index . 2) $values.settings }}
{{- $secrets = merge (deepCopy $values.secretSettings) $secrets }}
{{- range $name := keys $values.settings | sortAlpha }}
{{- if or (hasKey $secrets $name) (regexMatch "(PASSWORD|SECRET_KEY)$" $name) }}
{{- fail (printf "settings.%s: set it from a secret, by secretSettings or the value that is for it" $name) }}
{{- end }}
{{- if regexMatch "_(PORT|DIR|FILE)$" $name }}
{{- fail (printf "settings.%s: it is the chart's own, which its probes, services and volumes go by" $name) }}
{{- end }}
{{- end }}
{{- range $name := keys $settings | sortAlpha }}
{{- if not (hasKey $secrets $name) }}
- name: {{ $name }}
  value: {{ include "callagent.text" (get $settings $name) | quote }}
{{- end }}
{{- end }}
{{- range $name := keys $secrets | sortAlpha }}
- name: {{ $name }}
  {{- include "callagent.fromSecret" (get $secrets $name) | nindent 2 }}
{{- end }}
{{- end }}

{{/* The secrets that are files, as JSON: {volume: {name, key, file}}. Call with (list $ list-of-what-it-uses). */}}
{{- define "callagent.files" -}}
{{- $root := index . 0 -}}
{{- $uses := index . 1 -}}
{{- $values := $root.Values -}}
{{- $ca := include "callagent.kafkaCa" $root | fromJson -}}
{{- $files := dict "kafka" (dict "name" $ca.name "key" $ca.key "file" "ca.crt") -}}
{{- range $store := list "clickhouse" "s3" }}
{{- $secret := (get $values $store).caSecret }}
{{- if has $store $uses }}{{ $_ := set $files $store (dict "name" $secret.name "key" $secret.key "file" "ca.crt") }}{{ end }}
{{- end }}
{{- $key := $values.erasureKeySecret -}}
{{- if has "erasures" $uses }}{{ $_ := set $files "erasures" (dict "name" $key.name "key" $key.key "file" "erasures.key") }}{{ end }}
{{- range $volume, $secret := $files }}{{ if not $secret.name }}{{ $_ := unset $files $volume }}{{ end }}{{ end }}
{{- toJson $files }}
{{- end }}

{{- define "callagent.mounts" -}}
- {name: tmp, mountPath: /tmp}
{{- range $volume, $_ := include "callagent.files" . | fromJson }}
- {name: {{ $volume }}, mountPath: /etc/callagent/{{ $volume }}, readOnly: true}
{{- end }}
{{- end }}

{{- define "callagent.volumes" -}}
- name: tmp
  emptyDir: {sizeLimit: 1Gi}
{{- range $volume, $secret := include "callagent.files" . | fromJson }}
- name: {{ $volume }}
  {{- if eq $volume "erasures" }}
  # The pods start without it: it may come before the first erasure.
  {{- end }}
  secret: {secretName: {{ $secret.name }}{{ if eq $volume "erasures" }}, optional: true{{ end }}, items: [{key: {{ $secret.key }}, path: {{ $secret.file }}}]}
{{- end }}
{{- end }}

{{- define "callagent.containerSecurity" -}}
securityContext:
  allowPrivilegeEscalation: false
  readOnlyRootFilesystem: true
  capabilities: {drop: [ALL]}
{{- end }}

{{/* A container that ends when `what` is so. Call with (list $ "process" "servers|migrated" list-of-stores). */}}
{{- define "callagent.wait" -}}
{{- $root := index . 0 -}}
- name: wait-{{ index . 2 }}
  image: {{ include "callagent.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args: [{{ concat (list "deploy.image.wait" (index . 2)) (index . 3) | join ", " }}]
  env: {{- include "callagent.env" (list $root (index . 1) dict (index . 3)) | trim | nindent 4 }}
  resources: {{- toYaml $root.Values.migration.resources | nindent 4 }}
  {{- include "callagent.containerSecurity" $root | nindent 2 }}
  volumeMounts: {{- include "callagent.mounts" (list $root (index . 3)) | trim | nindent 4 }}
{{- end }}

{{/* With those that are given: what a pod has on its node's disk may be lost with the node, so a cluster
that shrinks may move the pod. A volume of its own moves with it. */}}
{{- define "callagent.podAnnotations" -}}
{{- mergeOverwrite (dict "cluster-autoscaler.kubernetes.io/safe-to-evict-local-volumes" "data,tmp") . | toYaml }}
{{- end }}

{{/* What every pod's spec begins with. Call with (list $ "component" values-of-it). */}}
{{- define "callagent.pod" -}}
{{- $root := index . 0 -}}
{{- $own := index . 2 -}}
serviceAccountName: {{ include "callagent.fullname" $root }}
automountServiceAccountToken: false
# The variables that Kubernetes makes of services begin with CALLAGENT_, too, and are no settings.
enableServiceLinks: false
{{- with $root.Values.image.pullSecrets }}
imagePullSecrets:
  {{- range . }}
  - name: {{ . }}
  {{- end }}
{{- end }}
securityContext:
  runAsNonRoot: true
  {{- with $root.Values.userId }}
  runAsUser: {{ include "callagent.text" . }}
  runAsGroup: {{ include "callagent.text" . }}
  fsGroup: {{ include "callagent.text" . }}
  {{- end }}
  # A spool of many files would make each start wait otherwise.
  fsGroupChangePolicy: OnRootMismatch
  seccompProfile: {type: RuntimeDefault}
topologySpreadConstraints:
  {{- range list "kubernetes.io/hostname" "topology.kubernetes.io/zone" }}
  - maxSkew: 1
    topologyKey: {{ . }}
    whenUnsatisfiable: ScheduleAnyway
    labelSelector:
      matchLabels: {{- include "callagent.selector" $ | nindent 8 }}
  {{- end }}
{{- with $own.nodeSelector }}
nodeSelector: {{- toYaml . | nindent 2 }}
{{- end }}
{{- with $own.tolerations }}
tolerations: {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* The container of a processor. Call with (list $ "name" port values-of-it list-of-what-it-uses). */}}
{{- define "callagent.worker" -}}
{{- $root := index . 0 -}}
- name: {{ index . 1 }}
  image: {{ include "callagent.image" $root }}
  imagePullPolicy: {{ $root.Values.image.pullPolicy }}
  args: [processors, {{ index . 1 }}]
  env: {{- include "callagent.env" (list $root (index . 1) dict (index . 4)) | trim | nindent 4 }}
  ports:
    - {name: http, containerPort: {{ index . 2 }}}
  # It waits for Kafka before it serves its pages: that must not count against it at once.
  startupProbe:
    httpGet: {path: /healthz, port: http}
    periodSeconds: 5
    timeoutSeconds: 5
    failureThreshold: 180
  # It ends by itself when it has work and makes no progress; this is for a loop that hangs.
  livenessProbe:
    httpGet: {path: /healthz, port: http}
    periodSeconds: 20
    timeoutSeconds: 10
    failureThreshold: 6
  # It has its partitions, has recovered its state, and consumes.
  readinessProbe:
    httpGet: {path: /readyz, port: http}
    periodSeconds: 10
    timeoutSeconds: 5
    failureThreshold: 3
  resources: {{- include "callagent.workerResources" (index . 3) | nindent 4 }}
  {{- include "callagent.containerSecurity" $root | nindent 2 }}
  volumeMounts:
    - {name: data, mountPath: /data}
    {{- include "callagent.mounts" (list $root (index . 4)) | trim | nindent 4 }}
{{- end }}

{{/* A sink's scratch is the node's disk: it goes where there is as much. */}}
{{- define "callagent.workerResources" -}}
{{- $resources := deepCopy .resources }}
{{- with .scratch }}
{{- $resources = mergeOverwrite (dict "requests" (dict "ephemeral-storage" .)) $resources }}
{{- end }}
{{- toYaml $resources }}
{{- end }}

{{- define "callagent.claim" -}}
- apiVersion: v1
  kind: PersistentVolumeClaim
  metadata: {name: data}
  spec:
    accessModes: [ReadWriteOnce]
    {{- with .className }}
    storageClassName: {{ . }}
    {{- end }}
    resources:
      requests: {storage: {{ .size }}}
{{- end }}
