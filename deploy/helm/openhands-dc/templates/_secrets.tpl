{{/*
Who mounts which Secret: the one table from which volumes, mounts and the settings that name the files are made.
A row: what (folder below /etc/ohdc), secret, files (key in the Secret, name of the file, setting that gets its path).
optional: keys and the Secret itself may be missing; the setting's path then begins with "-", which says the same to the program.
dict root, component
*/}}
{{- define "ohdc.secrets" -}}
{{- $v := .root.Values }}
{{- $user := index $v.database.users .component }}
- what: database
  secret: {{ ternary $user.existingSecret $v.database.existingSecret (ne $user.user "") | quote }}
  files:
    - {key: {{ ternary $user.key $v.database.key (ne $user.user "") | quote }}, name: password, setting: OHDC_DATABASE_PASSWORD_FILE}
- what: seal
  secret: {{ $v.sealKeys.existingSecret | quote }}
  files:
    - {key: {{ $v.sealKeys.key | quote }}, name: seal-keys, setting: OHDC_SEAL_KEYS_FILE}
{{- if eq .component "dispatcher" }}
- what: service-key
  secret: {{ $v.openhands.serviceKey.existingSecret | quote }}
  files:
    - {key: {{ $v.openhands.serviceKey.key | quote }}, name: service-key, setting: AUTOMATIONS_SERVICE_KEY_FILE}
{{- end }}
{{- if and (eq .component "linker") $v.keycloak.url }}
- what: keycloak
{{- if $v.keycloak.admin.existingSecret }}
  secret: {{ $v.keycloak.admin.existingSecret | quote }}
  files:
    - {key: {{ $v.keycloak.admin.key | quote }}, name: admin-password, setting: KEYCLOAK_ADMIN_PASSWORD_FILE}
{{- else }}
  secret: {{ $v.keycloak.client.existingSecret | quote }}
  files:
    - {key: {{ $v.keycloak.client.secretKey | quote }}, name: client-secret, setting: OHDC_KEYCLOAK_CLIENT_SECRET_FILE}
{{- end }}
{{- end }}
{{- $jira := list }}
{{- if or (and (eq .component "linker") (eq $v.jira.linkMethod "oauth")) (and (eq .component "dispatcher") $v.jira.tokenInSandbox) }}
{{- $jira = append $jira (dict "key" "client-secret" "name" "client-secret" "setting" "JIRA_DC_CLIENT_SECRET_FILE") }}
{{- end }}
{{- if or (has .component (list "dispatcher" "installer")) (and (eq .component "linker") (eq $v.jira.linkMethod "email")) }}
{{- $jira = append $jira (dict "key" "service-account-pat" "name" "service-account-pat" "setting" "JIRA_DC_SERVICE_ACCOUNT_PAT_FILE") }}
{{- end }}
{{- if and $v.jira.enabled $jira }}
- what: jira
  secret: {{ $v.jira.existingSecret | quote }}
  optional: true
  files: {{ toJson $jira }}
{{- end }}
{{- if and $v.bitbucket.enabled (has .component (list "dispatcher" "installer")) }}
- what: bitbucket
  secret: {{ $v.bitbucket.existingSecret | quote }}
  optional: true
  files:
    - {key: bot-token, name: bot-token, setting: BITBUCKET_DATA_CENTER_BOT_TOKEN_FILE}
{{- end }}
{{- $inSandbox := and $v.jira.enabled $v.jira.tokenInSandbox (has .component (list "linker" "dispatcher")) }}
{{- if and $v.openhands.jwtSecret.existingSecret (or $inSandbox (and $v.bitbucket.enabled (eq .component "installer"))) }}
- what: jwt
  secret: {{ $v.openhands.jwtSecret.existingSecret | quote }}
  files:
    - {key: {{ $v.openhands.jwtSecret.key | quote }}, name: jwt-secret, setting: JWT_SECRET_FILE}
{{- end }}
{{- end }}

{{/* The same for the init container `migrate`, which works as the owner of the schema. dict root */}}
{{- define "ohdc.migrateSecrets" -}}
{{- $d := .root.Values.database }}
- what: database-owner
  secret: {{ $d.existingSecret | quote }}
  files:
    - {key: {{ $d.key | quote }}, name: password, setting: OHDC_DATABASE_PASSWORD_FILE}
{{- if $d.create.enabled }}
- what: database-admin
  secret: {{ $d.create.existingSecret | default $d.existingSecret | quote }}
  files:
    - {key: {{ $d.create.key | quote }}, name: password, setting: OHDC_DATABASE_ADMIN_PASSWORD_FILE}
{{- end }}
{{- end }}

{{/* Volumes of such a table. */}}
{{- define "ohdc.secretVolumes" -}}
{{- range . }}
- name: {{ .what }}
  secret:
    secretName: {{ .secret }}
    defaultMode: 0440
    {{- if hasKey . "optional" }}
    optional: true
    {{- end }}
    items:
    {{- range .files }}
      - key: {{ .key }}
        path: {{ .name }}
    {{- end }}
{{- end }}
{{- end }}

{{- define "ohdc.secretMounts" -}}
{{- range . }}
- name: {{ .what }}
  mountPath: /etc/ohdc/{{ .what }}
  readOnly: true
{{- end }}
{{- end }}

{{/* Settings of such a table. */}}
{{- define "ohdc.secretEnv" -}}
{{- range . }}
{{- $row := . }}
{{- range .files }}
{{ .setting }}: {{ printf "%s/etc/ohdc/%s/%s" (ternary "-" "" (hasKey $row "optional")) $row.what .name | quote }}
{{- end }}
{{- end }}
{{- end }}

{{/* Secrets without which no pod starts, as a map of name to the keys it needs. dict root */}}
{{- define "ohdc.neededSecrets" -}}
{{- $needed := dict }}
{{- range $component := splitList " " (include "ohdc.services" .root) }}
{{- $rows := include "ohdc.secrets" (dict "root" $.root "component" $component) | fromYamlArray }}
{{- range concat $rows (include "ohdc.migrateSecrets" $ | fromYamlArray) }}
{{- if not (hasKey . "optional") }}
{{- $keys := index $needed .secret | default list }}
{{- range .files }}{{ $keys = append $keys .key }}{{ end }}
{{- if and (eq .what "keycloak") (not $.root.Values.keycloak.admin.existingSecret) }}
{{- $keys = append $keys $.root.Values.keycloak.client.idKey }}
{{- end }}
{{- $_ := set $needed .secret ($keys | uniq) }}
{{- end }}
{{- end }}
{{- if ne $component "installer" }}
{{- range include "ohdc.kafka.sources" (dict "root" $.root "user" $component) | fromYamlArray }}
{{- $keys := index $needed .secret.name | default list }}
{{- range .secret.items }}{{ $keys = append $keys .key }}{{ end }}
{{- $_ := set $needed .secret.name ($keys | uniq) }}
{{- end }}
{{- end }}
{{- end }}
{{- toYaml $needed }}
{{- end }}
