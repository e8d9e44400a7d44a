{{/* Settings of the containers: maps of NAME to a text, or to what stands below `valueFrom`. `ohdc.envList` makes the list. */}}

{{/* A value given here, else a key of a Secret that may be missing. dict value, secret, key */}}
{{- define "ohdc.orKey" -}}
{{- if .value }}
{{- toJson .value }}
{{- else }}
{{- dict "secretKeyRef" (dict "name" .secret "key" .key "optional" true) | toJson }}
{{- end }}
{{- end }}

{{/* dict root, user: libpq URI without a password; sslrootcert only where the server's certificate is checked */}}
{{- define "ohdc.databaseUrl" -}}
{{- $d := .root.Values.database }}
{{- $ca := .root.Values.caBundle }}
{{- $root := "" }}
{{- if hasPrefix "verify-" $d.sslMode }}
{{- $root = printf "&sslrootcert=%s" (ternary (printf "%s/%s" $ca.mountPath $ca.key) "system" $ca.enabled) }}
{{- end }}
{{- printf "postgresql://%s@%s:%d/%s?sslmode=%s%s" (urlquery .user) $d.host (int $d.port) (.name | default $d.name) $d.sslMode $root }}
{{- end }}

{{/* What every container of ours gets. dict root */}}
{{- define "ohdc.commonEnv" -}}
OHDC_LOG_LEVEL: {{ .root.Values.logLevel }}
{{- with .root.Values.caBundle }}
{{- if .enabled }}
SSL_CERT_FILE: {{ .mountPath }}/{{ .key }}
{{- end }}
{{- end }}
{{- end }}

{{/* NO_PROXY with the names of OHE and Keycloak where they are the cluster's own, or where a proxy would read our keys. dict root */}}
{{- define "ohdc.noProxy" -}}
{{- $names := without (splitList "," (.root.Values.proxy.noProxy | nospace)) "" }}
{{- range list .root.Values.openhands.url .root.Values.keycloak.url }}
{{- $host := regexReplaceAll ":[0-9]+$" (urlParse .).host "" }}
{{- if or (hasPrefix "http://" .) (regexMatch "^[^.]+$|\\.svc$|\\.cluster\\.local$" $host) }}
{{- $names = append $names $host }}
{{- end }}
{{- end }}
{{- uniq $names | join "," }}
{{- end }}

{{/* dict root, user (of Kafka) */}}
{{- define "ohdc.kafkaEnv" -}}
OHDC_KAFKA_BROKERS: {{ include "ohdc.kafka.brokers" .root | quote }}
OHDC_KAFKA_PREFIX: {{ .root.Values.kafka.prefix | quote }}
{{- if include "ohdc.kafka.properties" . }}
OHDC_KAFKA_CONFIG_FILE: /etc/ohdc/kafka-config/client.properties
{{- end }}
{{- range include "ohdc.kafka.sources" . | fromYamlArray }}
{{- range .secret.items }}
{{- if eq .path "password" }}
OHDC_KAFKA_PASSWORD_FILE: /etc/ohdc/kafka/password
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Settings of a service, as docs/config.md says who reads what. dict root, component */}}
{{- define "ohdc.serviceEnv" -}}
{{- $v := .root.Values }}
{{- $own := index $v .component }}
{{- $user := (index $v.database.users .component).user | default $v.database.user }}
{{- $grace := int $own.terminationGracePeriodSeconds }}
{{ include "ohdc.commonEnv" . }}
{{ include "ohdc.secretEnv" (include "ohdc.secrets" . | fromYamlArray) }}
OHDC_DATABASE_URL: {{ include "ohdc.databaseUrl" (dict "root" .root "user" $user) | quote }}
OHDC_DATABASE_POOL: {{ $v.database.poolSize }}
# The stop ends by itself before the pod's grace period does.
OHDC_DRAIN_MS: {{ mul 1000 (sub $grace 5) }}
{{- if ne .component "dispatcher" }}
# So long after the signal requests are still taken: endpoints and load balancers need it to look elsewhere.
OHDC_GRACE_MS: 5000
{{- end }}
ENABLE_JIRA_DC: {{ ternary "1" "0" $v.jira.enabled }}
OH_RESOLVER_LABEL: {{ $v.openhands.resolverLabel | quote }}
{{- if $v.bitbucket.enabled }}
BITBUCKET_DATA_CENTER_BOT_USERNAME: {{ $v.bitbucket.botUsername | quote }}
{{- end }}
{{- with $v.proxy }}
{{- $names := merge (dict) $own.env $v.env | keys | join " " }}
{{- if or .http .https .noProxy (regexMatch "(?i)\\b(http|https|all)_proxy\\b" $names) }}
HTTP_PROXY: {{ .http | quote }}
HTTPS_PROXY: {{ .https | quote }}
NO_PROXY: {{ include "ohdc.noProxy" $ | quote }}
{{- end }}
{{- end }}
{{- if ne .component "installer" }}
{{ include "ohdc.kafkaEnv" (dict "root" .root "user" .component) }}
{{- end }}
{{- if eq .component "ingress" }}
JIRA_DC_WEBHOOKS_ENABLED: {{ ternary "1" "0" $v.jira.webhooksEnabled }}
OHDC_KEEP_BODIES: {{ $own.keepBodies }}
{{- else }}
{{ include "ohdc.peersEnv" . }}
{{- end }}
{{- end }}

{{/* Whom linker, dispatcher and installer speak to. dict root, component */}}
{{- define "ohdc.peersEnv" -}}
{{- $v := .root.Values }}
WEB_HOST: {{ $v.openhands.host | quote }}
OHDC_OPENHANDS_URL: {{ $v.openhands.url | quote }}
OHDC_PRODUCT_NAME: {{ $v.openhands.productName | quote }}
OHDC_DENIED_NETWORKS: {{ join "," $v.networks.denied | quote }}
OHDC_ALLOWED_NETWORKS: {{ join "," $v.networks.allowed | quote }}
{{- with $v.jira }}
{{- if .enabled }}
JIRA_DC_ENABLE_OAUTH: {{ ternary "1" "0" (eq .linkMethod "oauth") }}
JIRA_DC_BASE_URL: {{ include "ohdc.orKey" (dict "value" .baseUrl "secret" .existingSecret "key" "base-url") }}
JIRA_DC_SERVICE_ACCOUNT_EMAIL: {{ include "ohdc.orKey" (dict "value" .serviceAccountEmail "secret" .existingSecret "key" "service-account-email") }}
JIRA_DC_HTTP_TIMEOUT: {{ .httpTimeout }}
OHDC_JIRA_ALLOWED_HOSTS: {{ join "," .allowedHosts | quote }}
{{- if eq .linkMethod "oauth" }}
JIRA_DC_CLIENT_ID: {{ include "ohdc.orKey" (dict "value" .clientId "secret" .existingSecret "key" "client-id") }}
{{- end }}
{{- if ne $.component "installer" }}
OHDC_JIRA_TOKEN_IN_SANDBOX: {{ ternary "1" "0" .tokenInSandbox }}
{{- end }}
{{- end }}
{{- end }}
{{- with $v.bitbucket }}
{{- if .enabled }}
BITBUCKET_DATA_CENTER_HOST: {{ include "ohdc.orKey" (dict "value" .host "secret" .existingSecret "key" "host") }}
{{- if ne $.component "dispatcher" }}
BITBUCKET_DATA_CENTER_CLIENT_ID: {{ include "ohdc.orKey" (dict "value" .clientId "secret" .existingSecret "key" "client-id") }}
{{- end }}
{{- end }}
{{- end }}
{{- if ne .component "installer" }}
OHDC_WORKERS: {{ (index $v .component).workers }}
{{- end }}
{{- if eq .component "dispatcher" }}
OHDC_CONVERSATION_URL: {{ $v.openhands.conversationUrl | quote }}
OHDC_DEFAULT_ORG: {{ $v.openhands.defaultOrg | quote }}
OHDC_JIRA_ALLOW_NO_REPOSITORY: {{ ternary "1" "0" $v.jira.allowNoRepository }}
{{- end }}
{{- if eq .component "linker" }}
OHDC_DIRECTORIES: {{ ternary "links,keycloak" "links" (ne $v.keycloak.url "") | quote }}
{{- if $v.keycloak.url }}
KEYCLOAK_SERVER_URL: {{ $v.keycloak.url | quote }}
KEYCLOAK_REALM_NAME: {{ $v.keycloak.realm | quote }}
{{- with $v.keycloak.client }}
{{- if not $v.keycloak.admin.existingSecret }}
OHDC_KEYCLOAK_CLIENT_ID: {{ dict "secretKeyRef" (dict "name" .existingSecret "key" .idKey) | toJson }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}
{{- end }}

{{/* Settings of the init container `migrate`. dict root */}}
{{- define "ohdc.migrateEnv" -}}
{{- $d := .root.Values.database }}
{{ include "ohdc.commonEnv" . }}
{{ include "ohdc.secretEnv" (include "ohdc.migrateSecrets" . | fromYamlArray) }}
OHDC_DATABASE_URL: {{ include "ohdc.databaseUrl" (dict "root" .root "user" $d.user) | quote }}
{{- if $d.create.enabled }}
OHDC_DATABASE_ADMIN_URL: {{ include "ohdc.databaseUrl" (dict "root" .root "user" ($d.create.superuser | default $d.user) "name" "postgres") | quote }}
{{- end }}
{{- with include "ohdc.databaseRoles" .root }}
OHDC_DATABASE_ROLES: {{ . | quote }}
{{- if $d.create.enabled }}
OHDC_DATABASE_ROLE_PASSWORDS_DIR: /etc/ohdc/database-roles
{{- end }}
{{- end }}
{{- end }}

{{/* "ingress=ROLE,…" of the services that have a role of their own. */}}
{{- define "ohdc.databaseRoles" -}}
{{- $roles := list }}
{{- range $component := splitList " " (include "ohdc.services" .) }}
{{- with (index $.Values.database.users $component).user }}
{{- $roles = append $roles (printf "%s=%s" $component .) }}
{{- end }}
{{- end }}
{{- join "," $roles }}
{{- end }}

{{/* A number as it was written: Helm reads all of them as floating point. */}}
{{- define "ohdc.text" -}}
{{- if and (kindIs "float64" .) (eq (floor .) .) }}{{ printf "%.0f" . }}{{ else }}{{ toString . }}{{ end }}
{{- end }}

{{/* The list for a container. What people set wins, NAME and NAME_FILE being one setting. dict chart (map), people (list of maps) */}}
{{- define "ohdc.envList" -}}
{{- $env := .chart }}
{{- range .people }}
{{- range $name, $value := . }}
{{- $env = omit $env (printf "%s_FILE" $name) (trimSuffix "_FILE" $name) }}
{{- $_ := set $env $name $value }}
{{- end }}
{{- end }}
{{- range $name, $value := $env }}
{{- if kindIs "map" $value }}
- name: {{ $name }}
  valueFrom:
    {{- toYaml $value | nindent 4 }}
{{- else if ne (toString $value) "" }}
- name: {{ $name }}
  value: {{ include "ohdc.text" $value | quote }}
{{- end }}
{{- end }}
{{- end }}
