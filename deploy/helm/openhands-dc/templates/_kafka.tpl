{{/* How the services reach Kafka, in the three modes. A user is ingress, linker, dispatcher or topics (who makes topics). */}}

{{/* Bootstrap servers, separated by commas. */}}
{{- define "ohdc.kafka.brokers" -}}
{{- $kafka := .Values.kafka }}
{{- if eq $kafka.mode "external" }}
{{- join "," $kafka.external.brokers }}
{{- else if eq $kafka.mode "strimzi" }}
{{- join "," $kafka.strimzi.brokers | default (printf "%s-kafka-bootstrap.%s.svc:9093" $kafka.strimzi.cluster .Release.Namespace) }}
{{- else }}
{{- printf "%s.%s.svc:9092" (include "ohdc.componentName" (dict "root" . "component" "kafka")) .Release.Namespace }}
{{- end }}
{{- end }}

{{/* Partitions of the webhook and job topics. */}}
{{- define "ohdc.kafka.partitions" -}}
{{- .Values.kafka.partitions | default (eq .Values.kafka.mode "embedded" | ternary 3 12) | int }}
{{- end }}

{{/* Whether an init container makes the topics: "true" or nothing. */}}
{{- define "ohdc.kafka.makesTopics" -}}
{{- $kafka := .Values.kafka }}
{{- if or (eq $kafka.mode "embedded") (and (eq $kafka.mode "external") $kafka.external.createTopics) }}true{{ end }}
{{- end }}

{{/* How a user proves itself, as YAML: protocol, mechanism, username, and the Secrets secret {name, password | cert, key} and
     ca {name, key}; absent is what is not needed. dict root, user */}}
{{- define "ohdc.kafka.access" -}}
{{- $kafka := .root.Values.kafka }}
{{- if eq $kafka.mode "external" }}
{{- $external := $kafka.external }}
{{- $all := $external.users.all }}
{{- $own := index $external.users .user }}
{{- $protocol := upper $external.securityProtocol }}
protocol: {{ $protocol }}
{{- if hasPrefix "SASL_" $protocol }}
mechanism: {{ $external.saslMechanism }}
username: {{ $own.username | default $all.username | quote }}
{{- end }}
{{- with $own.existingSecret | default $all.existingSecret }}
{{- if hasPrefix "SASL_" $protocol }}
secret: {name: {{ . }}, password: {{ $all.passwordKey }}}
{{- else if eq $protocol "SSL" }}
secret: {name: {{ . }}, cert: {{ $all.certKey }}, key: {{ $all.keyKey }}}
{{- end }}
{{- end }}
{{- if and $external.caSecret (hasSuffix "SSL" $protocol) }}
ca: {name: {{ $external.caSecret }}, key: {{ $external.caKey }}}
{{- end }}
{{- else if eq $kafka.mode "strimzi" }}
{{- $name := include "ohdc.componentName" (dict "root" .root "component" .user) }}
ca: {name: {{ $kafka.strimzi.cluster }}-cluster-ca-cert, key: ca.crt}
{{- if eq $kafka.strimzi.authentication "tls" }}
protocol: SSL
secret: {name: {{ $name }}, cert: user.crt, key: user.key}
{{- else }}
protocol: SASL_SSL
mechanism: SCRAM-SHA-512
username: {{ $name }}
secret: {name: {{ $name }}, password: password}
{{- end }}
{{- else }}
protocol: PLAINTEXT
{{- end }}
{{- end }}

{{/* librdkafka's properties of a user, without secrets; empty with PLAINTEXT. dict root, user */}}
{{- define "ohdc.kafka.properties" -}}
{{- $access := include "ohdc.kafka.access" . | fromYaml }}
{{- $secret := $access.secret | default dict }}
{{- $isNeeded := or (ne .user "topics") (include "ohdc.kafka.makesTopics" .root) }}
{{- if and $isNeeded (ne $access.protocol "PLAINTEXT") -}}
security.protocol={{ lower $access.protocol }}
{{- with $access.mechanism }}
sasl.mechanism={{ . }}
sasl.username={{ $access.username }}
{{- end }}
{{- if $secret.cert }}
ssl.certificate.location=/etc/ohdc/kafka/user.crt
ssl.key.location=/etc/ohdc/kafka/user.key
{{- end }}
{{- if $access.ca }}
ssl.ca.location=/etc/ohdc/kafka/ca.crt
{{- end }}
{{ end }}
{{- end }}

{{/* Sources of the projected volume at /etc/ohdc/kafka of a user: password, user.crt, user.key, ca.crt. dict root, user */}}
{{- define "ohdc.kafka.sources" -}}
{{- $access := include "ohdc.kafka.access" . | fromYaml }}
{{- with $access.secret }}
- secret:
    name: {{ .name }}
    items:
      {{- if .password }}
      - {key: {{ .password }}, path: password}
      {{- else }}
      - {key: {{ .cert }}, path: user.crt}
      - {key: {{ .key }}, path: user.key}
      {{- end }}
{{- end }}
{{- with $access.ca }}
- secret:
    name: {{ .name }}
    items:
      - {key: {{ .key }}, path: ca.crt}
{{- end }}
{{- end }}

{{/* A topic's full name. dict root, topic */}}
{{- define "ohdc.kafka.topic" -}}
{{- printf "%s%s.v1" .root.Values.kafka.prefix .topic }}
{{- end }}

{{/* Topics with their settings, as `ohdc topics apply` makes them; without partitions: kafka.partitions. */}}
{{- define "ohdc.kafka.topics" -}}
webhook: {config: {retention.ms: "1209600000", max.message.bytes: "13631488"}}
job: {config: {retention.ms: "1209600000", max.message.bytes: "13631488"}}
status: {partitions: 3, config: {retention.ms: "1209600000"}}
dlq: {partitions: 3, config: {retention.ms: "2592000000", max.message.bytes: "13631488"}}
{{- end }}

{{/* What each service may do, as `ohdc topics plan` prints it. */}}
{{- define "ohdc.kafka.acls" -}}
ingress:
  - {type: topic, name: webhook.v1, operations: [Write, Describe]}
  - {type: group, name: linker, operations: [Describe]}
linker:
  - {type: topic, name: webhook.v1, operations: [Read, Describe]}
  - {type: group, name: linker, operations: [Read, Describe]}
  - {type: topic, name: job.v1, operations: [Write, Describe]}
  - {type: topic, name: dlq.v1, operations: [Write, Describe]}
dispatcher:
  - {type: topic, name: job.v1, operations: [Read, Describe]}
  - {type: group, name: dispatcher, operations: [Read, Describe]}
  - {type: topic, name: status.v1, operations: [Write, Describe]}
  - {type: topic, name: dlq.v1, operations: [Write, Describe]}
  - {type: topic, name: webhook.v1, operations: [Describe]}
  - {type: group, name: linker, operations: [Describe]}
{{- end }}

{{/* Bytes of a quantity such as 10Gi. */}}
{{- define "ohdc.bytes" -}}
{{- $unit := regexFind "[A-Za-z]*$" . }}
{{- $number := trimSuffix $unit . | int64 }}
{{- $shift := dict "" 1 "Ki" 1024 "Mi" 1048576 "Gi" 1073741824 "Ti" 1099511627776 "k" 1000 "M" 1000000 "G" 1000000000 "T" 1000000000000 }}
{{- mul $number (index $shift $unit) }}
{{- end }}

{{/* Log sizes of the embedded broker, as YAML.
     All partitions together may have 70 % of the volume; the rest is for the offsets' and the metadata's log, indexes and snapshots.
     Partitions: webhook and job kafka.partitions each, status and dlq 3 each.    share = size x 70 % / (2 x partitions + 6)
     Whole segments are deleted, every 5 minutes, never the one being written: a partition may hold retention.bytes, the rest of a
     segment, and the segment that fills until then.                       retention.bytes = share - 2 x segment.bytes
     A segment holds the largest record (13 MiB).                          segment.bytes = share / 8, at least 16 MiB
     10Gi and 3 partitions: share 626,349,395, segments 78,293,674, retention 469,762,047; 12 shares are 7.0 GiB. */}}
{{- define "ohdc.kafka.sizes" -}}
{{- $kafka := .Values.kafka }}
{{- $size := $kafka.embedded.persistence.size }}
{{- $partitions := include "ohdc.kafka.partitions" . | int }}
{{- $all := add (mul 2 $partitions) 6 }}
{{- $share := div (mul (div (include "ohdc.bytes" $size | int64) 100) 70) $all }}
{{- if lt $share 67108864 }}
{{- fail (printf "kafka.embedded.persistence.size is %s, kafka.partitions %d: 70 %% of it is less than 64 MiB for each of %d partitions; set a size of at least %dMi" $size $partitions $all (add 1 (div (mul $all 640) 7))) }}
{{- end }}
{{- $segment := max 16777216 (div $share 8) }}
segment: {{ $segment }}
retention: {{ sub $share (mul 2 $segment) }}
{{- end }}

{{/* Id of the embedded cluster: the same for one release for ever, 22 base64url characters of which the last is as 16 bytes end. */}}
{{- define "ohdc.kafka.clusterId" -}}
{{- printf "%s/%s" .Release.Namespace .Release.Name | sha256sum | b64enc | trunc 21 }}A
{{- end }}
