{{/* The pod that all four services share. dict root, component */}}
{{- define "ohdc.podTemplate" -}}
{{- $root := .root }}
{{- $v := .root.Values }}
{{- $component := .component }}
{{- $own := index $v .component }}
{{- $selector := include "ohdc.selectorLabels" . }}
{{- $secrets := include "ohdc.secrets" . | fromYamlArray }}
{{- $migrateSecrets := include "ohdc.migrateSecrets" . | fromYamlArray }}
{{- $roles := and $v.database.create.enabled (include "ohdc.databaseRoles" $root) }}
{{- $kafka := dict "root" $root "user" $component }}
{{- $topics := dict "root" $root "user" "topics" }}
{{- $hasKafka := ne $component "installer" }}
{{- /* Not in ingress: it may start while the brokers are away. */}}
{{- $makesTopics := and (has $component (list "linker" "dispatcher")) (include "ohdc.kafka.makesTopics" $root) }}
metadata:
  labels:
    {{- mergeOverwrite (dict) $v.commonLabels $own.podLabels ($selector | fromYaml) (dict "app.kubernetes.io/part-of" "openhands") | toYaml | nindent 4 }}
  annotations:
    kubectl.kubernetes.io/default-container: {{ $component }}
    {{- if $hasKafka }}
    checksum/kafka-clients: {{ printf "%s%s" (include "ohdc.kafka.properties" $kafka) (include "ohdc.kafka.properties" $topics) | sha256sum }}
    {{- end }}
    {{- with merge (dict) $own.podAnnotations $v.commonAnnotations }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
spec:
  serviceAccountName: {{ include "ohdc.serviceAccountName" . }}
  automountServiceAccountToken: false
  enableServiceLinks: false
  terminationGracePeriodSeconds: {{ $own.terminationGracePeriodSeconds }}
  {{- with $v.imagePullSecrets }}
  imagePullSecrets:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  securityContext:
    runAsNonRoot: true
    runAsUser: 65532
    runAsGroup: 65532
    fsGroup: 65532
    seccompProfile:
      type: RuntimeDefault
  initContainers:
    - name: migrate
      {{- include "ohdc.containerBase" . | nindent 6 }}
      command: [/usr/local/bin/ohdc, migrate, --wait, "300"{{ if $v.database.create.enabled }}, --create{{ end }}]
      env:
        {{- include "ohdc.envList" (dict "chart" (include "ohdc.migrateEnv" . | fromYaml) "people" (list $v.env)) | trim | nindent 8 }}
      volumeMounts:
        {{- include "ohdc.secretMounts" $migrateSecrets | trim | nindent 8 }}
        {{- if $roles }}
        - name: database-roles
          mountPath: /etc/ohdc/database-roles
          readOnly: true
        {{- end }}
        {{- with include "ohdc.caMount" $v }}{{ . | trim | nindent 8 }}{{ end }}
    {{- if $makesTopics }}
    - name: topics
      {{- include "ohdc.containerBase" . | nindent 6 }}
      command: [/usr/local/bin/ohdc, topics, apply, --wait, "300"]
      env:
        {{- $env := merge (dict "OHDC_KAFKA_PARTITIONS" (include "ohdc.kafka.partitions" $root)) (include "ohdc.commonEnv" . | fromYaml) (include "ohdc.kafkaEnv" $topics | fromYaml) }}
        {{- include "ohdc.envList" (dict "chart" $env "people" (list $v.env)) | trim | nindent 8 }}
      {{- with printf "%s\n%s" (include "ohdc.kafkaMounts" (merge (dict "volume" "kafka-topics") $topics)) (include "ohdc.caMount" $v) | trim }}
      volumeMounts:
        {{- . | nindent 8 }}
      {{- end }}
    {{- end }}
  containers:
    - name: {{ $component }}
      {{- include "ohdc.containerBase" . | nindent 6 }}
      command: [/usr/local/bin/ohdc-{{ $component }}]
      env:
        {{- include "ohdc.envList" (dict "chart" (include "ohdc.serviceEnv" . | fromYaml) "people" (list $v.env $own.env)) | trim | nindent 8 }}
      ports:
        {{- if ne $component "dispatcher" }}
        - name: http
          containerPort: 8080
        {{- end }}
        - name: admin
          containerPort: 9090
      {{- range $probe, $path := dict "startup" "/livez" "liveness" "/livez" "readiness" "/readyz" }}
      {{ $probe }}Probe:
        httpGet:
          path: {{ $path }}
          port: admin
        {{- toYaml (index $v.probes $probe) | nindent 8 }}
      {{- end }}
      volumeMounts:
        {{- include "ohdc.secretMounts" $secrets | trim | nindent 8 }}
        {{- if $hasKafka }}
        {{- with include "ohdc.kafkaMounts" (merge (dict "volume" "kafka") $kafka) }}{{ . | trim | nindent 8 }}{{ end }}
        {{- end }}
        {{- with include "ohdc.caMount" $v }}{{ . | trim | nindent 8 }}{{ end }}
        {{- with $v.extraVolumeMounts }}
        {{- toYaml . | nindent 8 }}
        {{- end }}
  volumes:
    {{- include "ohdc.secretVolumes" (concat $secrets $migrateSecrets) | trim | nindent 4 }}
    {{- if $roles }}
    - name: database-roles
      projected:
        defaultMode: 0440
        sources:
        {{- range $service, $role := $v.database.users }}
        {{- if $role.user }}
          - secret:
              name: {{ $role.existingSecret }}
              items: [{key: {{ $role.key }}, path: {{ $service }}}]
        {{- end }}
        {{- end }}
    {{- end }}
    {{- if $hasKafka }}
    {{- with include "ohdc.kafkaVolumes" (merge (dict "volume" "kafka") $kafka) }}{{ . | trim | nindent 4 }}{{ end }}
    {{- end }}
    {{- if $makesTopics }}
    {{- with include "ohdc.kafkaVolumes" (merge (dict "volume" "kafka-topics") $topics) }}{{ . | trim | nindent 4 }}{{ end }}
    {{- end }}
    {{- if $v.caBundle.enabled }}
    - name: ca-bundle
      configMap:
        name: {{ $v.caBundle.name }}
        items: [{key: {{ $v.caBundle.key }}, path: {{ $v.caBundle.key }}}]
    {{- end }}
    {{- with $v.extraVolumes }}
    {{- toYaml . | nindent 4 }}
    {{- end }}
  {{- with $own.priorityClassName | default $v.priorityClassName }}
  priorityClassName: {{ . }}
  {{- end }}
  {{- with $own.nodeSelector }}
  nodeSelector:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.tolerations }}
  tolerations:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- with $own.affinity | default $v.affinity }}
  affinity:
    {{- toYaml . | nindent 4 }}
  {{- end }}
  {{- /* Each version is spread by itself: pods that are about to go do not count. */}}
  {{- $spread := dict "maxSkew" 1 "topologyKey" "kubernetes.io/hostname" "whenUnsatisfiable" "ScheduleAnyway" "matchLabelKeys" (list "pod-template-hash") }}
  topologySpreadConstraints:
  {{- range $own.topologySpreadConstraints | default (list $spread) }}
    - {{ toYaml . | indent 6 | trim }}
      {{- if not (hasKey . "labelSelector") }}
      labelSelector:
        matchLabels:
          {{- $selector | nindent 10 }}
      {{- end }}
  {{- end }}
{{- end }}

{{/* What all containers of a pod have in common. dict root, component */}}
{{- define "ohdc.containerBase" -}}
image: {{ include "ohdc.image" (dict "image" .root.Values.image "tag" .root.Chart.AppVersion) }}
imagePullPolicy: {{ .root.Values.image.pullPolicy }}
securityContext:
  {{- include "ohdc.containerSecurity" . | nindent 2 }}
{{- with (index .root.Values .component).resources }}
resources:
  {{- toYaml . | nindent 2 }}
{{- end }}
{{- end }}

{{- define "ohdc.caMount" -}}
{{- if .caBundle.enabled }}
- name: ca-bundle
  mountPath: {{ .caBundle.mountPath }}
  readOnly: true
{{- end }}
{{- end }}

{{/* Kafka's credentials and properties of one user. dict root, user, volume */}}
{{- define "ohdc.kafkaMounts" -}}
{{- if include "ohdc.kafka.sources" . | fromYamlArray }}
- name: {{ .volume }}
  mountPath: /etc/ohdc/kafka
  readOnly: true
{{- end }}
{{- if include "ohdc.kafka.properties" . }}
- name: {{ .volume }}-config
  mountPath: /etc/ohdc/kafka-config
  readOnly: true
{{- end }}
{{- end }}

{{- define "ohdc.kafkaVolumes" -}}
{{- with include "ohdc.kafka.sources" . | fromYamlArray }}
- name: {{ $.volume }}
  projected:
    defaultMode: 0440
    sources:
      {{- toYaml . | nindent 6 }}
{{- end }}
{{- if include "ohdc.kafka.properties" . }}
- name: {{ .volume }}-config
  configMap:
    name: {{ include "ohdc.fullname" .root }}-kafka-clients
    items: [{key: {{ .user }}.properties, path: client.properties}]
{{- end }}
{{- end }}
