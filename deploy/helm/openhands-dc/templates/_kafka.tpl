{{/* How programs reach Kafka, and as whom. */}}

{{- define "ohdc.kafka.brokers" -}}
{{- $k := .Values.kafka }}
{{- if eq $k.mode "embedded" }}
{{- printf "%s:9092" (include "ohdc.componentName" (dict "root" . "component" "kafka")) }}
{{- else if eq $k.mode "strimzi" }}
{{- join "," ($k.strimzi.brokers | default (list (printf "%s-kafka-bootstrap.%s.svc:9093" $k.strimzi.cluster ($k.strimzi.namespace | default .Release.Namespace)))) }}
{{- else }}
{{- join "," $k.external.brokers }}
{{- end }}
{{- end }}

{{- define "ohdc.kafka.partitions" -}}
{{- .Values.kafka.partitions | default (ternary 3 12 (eq .Values.kafka.mode "embedded")) }}
{{- end }}

{{/* "true" where topics are ours to make. */}}
{{- define "ohdc.kafka.makesTopics" -}}
{{- if or (eq .Values.kafka.mode "embedded") (and (eq .Values.kafka.mode "external") .Values.kafka.external.createTopics) }}true{{ end }}
{{- end }}

{{/* One user: its own values where set, else those of `all`. dict root, user */}}
{{- define "ohdc.kafka.user" -}}
{{- $users := .root.Values.kafka.external.users }}
{{- $own := index $users .user }}
{{- range $key, $value := $users.all }}
{{ $key }}: {{ dig $key "" $own | default $value | quote }}
{{- end }}
{{- end }}

{{/* librdkafka's properties; no secrets. dict root, user */}}
{{- define "ohdc.kafka.properties" -}}
{{- $k := .root.Values.kafka }}
{{- $dir := "/etc/ohdc/kafka" }}
{{- if eq $k.mode "external" }}
{{- $e := $k.external }}
{{- $user := include "ohdc.kafka.user" . | fromYaml }}
{{- if ne $e.securityProtocol "PLAINTEXT" }}
security.protocol={{ $e.securityProtocol | lower }}
{{- end }}
{{- if hasPrefix "SASL_" $e.securityProtocol }}
sasl.mechanism={{ $e.saslMechanism }}
sasl.username={{ $user.username }}
{{- end }}
{{- if and $e.caSecret (hasSuffix "SSL" $e.securityProtocol) }}
ssl.ca.location={{ $dir }}/ca.crt
{{- end }}
{{- if and (eq $e.securityProtocol "SSL") $user.existingSecret }}
ssl.certificate.location={{ $dir }}/user.crt
ssl.key.location={{ $dir }}/user.key
{{- end }}
{{- else if eq $k.mode "strimzi" }}
ssl.ca.location={{ $dir }}/ca.crt
{{- if eq $k.strimzi.authentication "tls" }}
security.protocol=ssl
ssl.certificate.location={{ $dir }}/user.crt
ssl.key.location={{ $dir }}/user.key
{{- else }}
security.protocol=sasl_ssl
sasl.mechanism=SCRAM-SHA-512
sasl.username={{ include "ohdc.componentName" (dict "root" .root "component" .user) }}
{{- end }}
{{- end }}
{{- end }}

{{/* Sources of the projected volume with the user's password or certificate and the brokers' CA. dict root, user */}}
{{- define "ohdc.kafka.sources" -}}
{{- $k := .root.Values.kafka }}
{{- if eq $k.mode "external" }}
{{- $e := $k.external }}
{{- $user := include "ohdc.kafka.user" . | fromYaml }}
{{- if $user.existingSecret }}
{{- if hasPrefix "SASL_" $e.securityProtocol }}
- secret: {name: {{ $user.existingSecret | quote }}, items: [{key: {{ $user.passwordKey | quote }}, path: password}]}
{{- else if eq $e.securityProtocol "SSL" }}
- secret: {name: {{ $user.existingSecret | quote }}, items: [{key: {{ $user.certKey | quote }}, path: user.crt}, {key: {{ $user.keyKey | quote }}, path: user.key}]}
{{- end }}
{{- end }}
{{- if and $e.caSecret (hasSuffix "SSL" $e.securityProtocol) }}
- secret: {name: {{ $e.caSecret | quote }}, items: [{key: {{ $e.caKey | quote }}, path: ca.crt}]}
{{- end }}
{{- else if eq $k.mode "strimzi" }}
{{- $secret := include "ohdc.componentName" (dict "root" .root "component" .user) }}
{{- if eq $k.strimzi.authentication "tls" }}
- secret: {name: {{ $secret }}, items: [{key: user.crt, path: user.crt}, {key: user.key, path: user.key}]}
{{- else }}
- secret: {name: {{ $secret }}, items: [{key: password, path: password}]}
{{- end }}
- secret: {name: {{ $k.strimzi.cluster }}-cluster-ca-cert, items: [{key: ca.crt, path: ca.crt}]}
{{- end }}
{{- end }}
