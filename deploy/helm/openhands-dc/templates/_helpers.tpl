{{/* Names, labels and what every other template asks for. Names and selector labels never change: an upgrade keeps them. */}}

{{/* The four services. */}}
{{- define "ohdc.services" -}}
ingress linker dispatcher installer
{{- end }}

{{- define "ohdc.name" -}}
{{- .Values.nameOverride | default .Chart.Name | trunc 40 | trimSuffix "-" }}
{{- end }}

{{/* Beginning of all names; short enough for the longest component behind it. */}}
{{- define "ohdc.fullname" -}}
{{- $name := include "ohdc.name" . }}
{{- if .Values.fullnameOverride }}
{{- .Values.fullnameOverride | trunc 40 | trimSuffix "-" }}
{{- else if contains $name .Release.Name }}
{{- .Release.Name | trunc 40 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name $name | trunc 40 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{/* Name of a component's objects. dict root, component */}}
{{- define "ohdc.componentName" -}}
{{- printf "%s-%s" (include "ohdc.fullname" .root) .component }}
{{- end }}

{{/* Labels by which pods are selected. dict root, component */}}
{{- define "ohdc.selectorLabels" -}}
app.kubernetes.io/name: {{ include "ohdc.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
app.kubernetes.io/component: {{ .component }}
{{- end }}

{{/* Labels of an object; without a component those of the whole release. dict root, component */}}
{{- define "ohdc.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .root.Chart.Name .root.Chart.Version | replace "+" "_" | trunc 63 | trimSuffix "-" }}
app.kubernetes.io/name: {{ include "ohdc.name" .root }}
app.kubernetes.io/instance: {{ .root.Release.Name }}
{{- with .component }}
app.kubernetes.io/component: {{ . }}
{{- end }}
app.kubernetes.io/version: {{ .root.Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .root.Release.Service }}
app.kubernetes.io/part-of: openhands
{{- with .root.Values.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end }}

{{/* `annotations:` of an object, from commonAnnotations and its own; nothing when there are none. dict root, own (optional) */}}
{{- define "ohdc.annotations" -}}
{{- with merge (dict) (.own | default dict) .root.Values.commonAnnotations }}
annotations:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{/* An image: repository with tag or digest. dict image, tag (used when the image names none) */}}
{{- define "ohdc.image" -}}
{{- if .image.digest }}
{{- printf "%s@%s" .image.repository .image.digest }}
{{- else }}
{{- printf "%s:%s" .image.repository (.image.tag | default .tag) }}
{{- end }}
{{- end }}

{{- define "ohdc.serviceAccountName" -}}
{{- if .root.Values.serviceAccount.create }}{{ include "ohdc.componentName" . }}{{ else }}default{{ end }}
{{- end }}

{{/* Security context of every container: Pod Security `restricted`, and a root file system nobody can write. */}}
{{- define "ohdc.containerSecurity" -}}
allowPrivilegeEscalation: false
capabilities:
  drop: [ALL]
readOnlyRootFilesystem: true
runAsNonRoot: true
seccompProfile:
  type: RuntimeDefault
{{- end }}
