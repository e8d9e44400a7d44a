{{/* KEDA's triggers. */}}

{{/* Records that wait for the linkers. KEDA takes brokers for 1.0 unless told, and Kafka 4 wants clients of 2.1 or newer. */}}
{{- define "ohdc.triggers.linker" -}}
{{- $access := include "ohdc.kafka.access" (dict "root" . "user" "linker") | fromYaml }}
- type: kafka
  metadata:
    bootstrapServers: {{ include "ohdc.kafka.brokers" . | quote }}
    version: 2.8.0
    consumerGroup: {{ .Values.kafka.prefix }}linker
    topic: {{ include "ohdc.kafka.topic" (dict "root" . "topic" "webhook") }}
    lagThreshold: {{ .Values.linker.autoscaling.lagThreshold | quote }}
    offsetResetPolicy: earliest
    {{- with $access.mechanism }}
    sasl: {{ eq . "PLAIN" | ternary "plaintext" (lower . | replace "-sha-" "_sha") }}
    {{- end }}
    {{- if hasSuffix "SSL" $access.protocol }}
    tls: enable
    {{- end }}
  {{- if ne $access.protocol "PLAINTEXT" }}
  authenticationRef:
    name: {{ include "ohdc.componentName" (dict "root" . "component" "linker") }}
  {{- end }}
{{- end }}

{{/* Jobs that wait for the dispatchers; each pod tells the number of all. */}}
{{- define "ohdc.triggers.dispatcher" -}}
{{- $scaling := .Values.dispatcher.autoscaling }}
{{- if $scaling.prometheus.serverAddress }}
- type: prometheus
  metadata:
    serverAddress: {{ $scaling.prometheus.serverAddress }}
    query: {{ tpl $scaling.prometheus.query . | quote }}
    threshold: {{ $scaling.jobsWaiting | quote }}
{{- else }}
- type: metrics-api
  metadata:
    url: http://{{ include "ohdc.componentName" (dict "root" . "component" "dispatcher") }}.{{ .Release.Namespace }}.svc:9090/metrics
    format: prometheus
    valueLocation: ohdc_jobs_waiting
    targetValue: {{ $scaling.jobsWaiting | quote }}
{{- end }}
{{- end }}

{{/* What KEDA proves itself with to Kafka: the linker's user. Its name comes from a ConfigMap, as KEDA takes it from nowhere else. */}}
{{- define "ohdc.triggers.authentication" -}}
{{- $access := include "ohdc.kafka.access" (dict "root" . "user" "linker") | fromYaml }}
{{- $name := include "ohdc.componentName" (dict "root" . "component" "linker") }}
{{- if ne $access.protocol "PLAINTEXT" }}
{{- with $access.username }}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: {{ $name }}-keda
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "ohdc.labels" (dict "root" $ "component" "linker") | nindent 4 }}
  {{- with include "ohdc.annotations" (dict "root" $) }}{{ . | trim | nindent 2 }}{{ end }}
data:
  username: {{ . | quote }}
{{- end }}
---
apiVersion: keda.sh/v1alpha1
kind: TriggerAuthentication
metadata:
  name: {{ $name }}
  namespace: {{ $.Release.Namespace }}
  labels:
    {{- include "ohdc.labels" (dict "root" $ "component" "linker") | nindent 4 }}
  {{- with include "ohdc.annotations" (dict "root" $) }}{{ . | trim | nindent 2 }}{{ end }}
spec:
  {{- $isBundle := and (hasSuffix "SSL" $access.protocol) (not $access.ca) .Values.caBundle.enabled }}
  {{- if or $access.username $isBundle }}
  configMapTargetRef:
    {{- if $access.username }}
    - {parameter: username, name: {{ $name }}-keda, key: username}
    {{- end }}
    {{- if $isBundle }}
    - {parameter: ca, name: {{ .Values.caBundle.name }}, key: {{ .Values.caBundle.key }}}
    {{- end }}
  {{- end }}
  secretTargetRef:
    {{- with $access.secret }}
    {{- if .password }}
    - {parameter: password, name: {{ .name }}, key: {{ .password }}}
    {{- else }}
    - {parameter: cert, name: {{ .name }}, key: {{ .cert }}}
    - {parameter: key, name: {{ .name }}, key: {{ .key }}}
    {{- end }}
    {{- end }}
    {{- with $access.ca }}
    - {parameter: ca, name: {{ .name }}, key: {{ .key }}}
    {{- end }}
{{- end }}
{{- end }}
