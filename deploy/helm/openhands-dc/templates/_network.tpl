{{/* Peers of a rule as JSON: what was chosen (podSelector, namespaceSelector, cidrs), else `otherwise`; an empty list means
     anywhere. dict chosen, otherwise (list) */}}
{{- define "ohdc.peers" -}}
{{- $peers := list }}
{{- $pods := dict }}
{{- range $key := list "namespaceSelector" "podSelector" }}
{{- with index $.chosen $key }}{{ $_ := set $pods $key . }}{{ end }}
{{- end }}
{{- if $pods }}{{ $peers = append $peers $pods }}{{ end }}
{{- range .chosen.cidrs }}{{ $peers = append $peers (dict "ipBlock" (dict "cidr" .)) }}{{ end }}
{{- $peers | default .otherwise | toJson }}
{{- end }}

{{/* Where a host is, as a JSON list of peers: a name without a dot is a Service of the release's namespace, NAME.NAMESPACE.svc
     one of that namespace, an address is itself, and behind another name may be anything (an empty list). */}}
{{- define "ohdc.peersOfHost" -}}
{{- $host := include "ohdc.hostOf" . }}
{{- $ipv6 := regexFind "\\[[0-9A-Fa-f:]+\\]" . | trimAll "[]" }}
{{- if $ipv6 }}
{{- list (dict "ipBlock" (dict "cidr" (printf "%s/128" $ipv6))) | toJson }}
{{- else if regexMatch "^[0-9]+([.][0-9]+){3}$" $host }}
{{- list (dict "ipBlock" (dict "cidr" (printf "%s/32" $host))) | toJson }}
{{- else if not (contains "." $host) }}
{{- list (dict "podSelector" dict) | toJson }}
{{- else if regexMatch "^[^.]+[.][^.]+[.]svc([.].*)?$" $host }}
{{- $namespace := index (splitList "." $host) 1 }}
{{- list (dict "namespaceSelector" (dict "matchLabels" (dict "kubernetes.io/metadata.name" $namespace))) | toJson }}
{{- else }}
{{- list | toJson }}
{{- end }}
{{- end }}

{{/* The public networks: providers.cidrs, without networks.denied and link-local (metadata) addresses where all of IPv4 or IPv6 is
     named, and networks.allowed. */}}
{{- define "ohdc.providerPeers" -}}
{{- $peers := list }}
{{- range $cidr := .Values.networkPolicy.providers.cidrs }}
{{- $block := dict "cidr" $cidr }}
{{- $except := list }}
{{- if eq $cidr "0.0.0.0/0" }}{{ $except = list "169.254.0.0/16" }}{{ else if eq $cidr "::/0" }}{{ $except = list "fe80::/10" }}{{ end }}
{{- if $except }}
{{- range $.Values.networks.denied }}
{{- if eq (contains ":" .) (contains ":" $cidr) }}{{ $except = append $except . }}{{ end }}
{{- end }}
{{- $_ := set $block "except" $except }}
{{- end }}
{{- $peers = append $peers (dict "ipBlock" $block) }}
{{- end }}
{{- range .Values.networks.allowed }}{{ $peers = append $peers (dict "ipBlock" (dict "cidr" .)) }}{{ end }}
{{- $peers | toJson }}
{{- end }}

{{/* One rule. dict key ("from" or "to"), peers (JSON list; empty: anywhere), ports (list), protocols (default TCP) */}}
{{- define "ohdc.rule" -}}
{{- $numbers := list }}
{{- range .ports }}{{ $numbers = append $numbers (int .) | uniq }}{{ end }}
{{- $ports := list }}
{{- range $protocol := .protocols | default (list "TCP") }}
{{- range $numbers }}{{ $ports = append $ports (dict "protocol" $protocol "port" .) }}{{ end }}
{{- end }}
{{- $rule := dict "ports" $ports }}
{{- with fromJsonArray .peers }}{{ $_ := set $rule $.key . }}{{ end }}
{{- list $rule | toYaml }}
{{- end }}

{{/* A rule to a server that values name by URL: its own port counts where it is outside the cluster, else those of the pods behind
     the Service. dict chosen (its part of networkPolicy), url */}}
{{- define "ohdc.ruleToServer" -}}
{{- $otherwise := include "ohdc.peersOfHost" .url | fromJsonArray }}
{{- $ports := .chosen.ports }}
{{- if or (not $otherwise) (hasKey (first $otherwise) "ipBlock") }}{{ $ports = list (include "ohdc.portOf" .url) }}{{ end }}
{{- include "ohdc.rule" (dict "key" "to" "peers" (include "ohdc.peers" (dict "chosen" .chosen "otherwise" $otherwise)) "ports" $ports) }}
{{- end }}

{{/* Rules to PostgreSQL. */}}
{{- define "ohdc.rulesToDatabase" -}}
{{- $database := .Values.database }}
{{- $peers := include "ohdc.peers" (dict "chosen" .Values.networkPolicy.database "otherwise" (include "ohdc.peersOfHost" $database.host | fromJsonArray)) }}
{{- include "ohdc.rule" (dict "key" "to" "peers" $peers "ports" (list $database.port)) }}
{{- end }}

{{/* Rules to Kafka's brokers: our own, Strimzi's, or those that are named. */}}
{{- define "ohdc.rulesToKafka" -}}
{{- $kafka := .Values.kafka }}
{{- $chosen := .Values.networkPolicy.kafka }}
{{- if eq $kafka.mode "embedded" }}
{{- $labels := include "ohdc.selectorLabels" (dict "root" $ "component" "kafka") | fromYaml }}
{{- include "ohdc.rule" (dict "key" "to" "peers" (list (dict "podSelector" (dict "matchLabels" $labels)) | toJson) "ports" (list 9092)) }}
{{- else }}
{{- $otherwise := list }}
{{- $isAnywhere := false }}
{{- $ports := $chosen.ports }}
{{- range splitList "," (include "ohdc.kafka.brokers" .) }}
{{- $peers := include "ohdc.peersOfHost" . | fromJsonArray }}
{{- if not $peers }}{{ $isAnywhere = true }}{{ end }}
{{- $otherwise = concat $otherwise $peers | uniq }}
{{- $ports = append $ports (include "ohdc.portOf" .) }}
{{- end }}
{{- if $isAnywhere }}{{ $otherwise = list }}{{ end }}
{{- if eq $kafka.mode "strimzi" }}
{{- $otherwise = list (dict "podSelector" (dict "matchLabels" (dict "strimzi.io/cluster" $kafka.strimzi.cluster "strimzi.io/kind" "Kafka"))) }}
{{- end }}
{{- include "ohdc.rule" (dict "key" "to" "peers" (include "ohdc.peers" (dict "chosen" $chosen "otherwise" $otherwise)) "ports" $ports) }}
{{- end }}
{{- end }}

{{/* Rules to Jira, Bitbucket and the proxy: the networks on the ports that are listed, and those servers which values name. */}}
{{- define "ohdc.rulesToProviders" -}}
{{- $ports := .Values.networkPolicy.providers.ports }}
{{- $near := list }}
{{- range compact (list .Values.jira.baseUrl .Values.bitbucket.host .Values.proxy.http .Values.proxy.https) }}
{{- $ports = append $ports (include "ohdc.portOf" .) }}
{{- $near = concat $near (include "ohdc.peersOfHost" . | fromJsonArray) | uniq }}
{{- end }}
{{- range compact (list (include "ohdc.providerPeers" . | fromJsonArray) $near) }}
{{ include "ohdc.rule" (dict "key" "to" "peers" (toJson .) "ports" $ports) }}
{{- end }}
{{- end }}
