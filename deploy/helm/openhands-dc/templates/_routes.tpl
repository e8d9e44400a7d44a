{{/* Which public path goes to which service, and the group (switch of takeover, or our own pages) it belongs to. Exactly the
     services' own tables of paths. The longest path comes first, an Exact one before a Prefix. */}}
{{- define "ohdc.routes" -}}
- {group: events, service: ingress, type: Prefix, path: /integration/bitbucket-dc/connections}
- {group: events, service: ingress, type: Prefix, path: /integration/jira-dc/connections}
- {group: settings, service: linker, type: Exact, path: /integration/jira-dc/workspaces/link}
- {group: settings, service: linker, type: Exact, path: /integration/jira-dc/secrets/token}
- {group: settings, service: linker, type: Exact, path: /integration/jira-dc/callback}
- {group: settings, service: installer, type: Exact, path: /integration/bitbucket-dc/uninstall-webhook}
- {group: settings, service: installer, type: Exact, path: /integration/bitbucket-dc/reinstall-webhook}
- {group: settings, service: installer, type: Exact, path: /integration/bitbucket-dc/enroll-webhook}
- {group: settings, service: installer, type: Exact, path: /integration/bitbucket-dc/webhook-id}
- {group: settings, service: installer, type: Exact, path: /integration/bitbucket-dc/resources}
- {group: settings, service: installer, type: Exact, path: /integration/jira-dc/workspaces/status}
- {group: settings, service: installer, type: Exact, path: /integration/jira-dc/workspaces/unlink}
- {group: settings, service: installer, type: Exact, path: /integration/jira-dc/workspaces}
- {group: settings, service: installer, type: Prefix, path: /integration/jira-dc/workspaces/validate}
- {group: signIn, service: linker, type: Exact, path: /bitbucket-dc-proxy/oauth2/userinfo}
- {group: pages, service: linker, type: Prefix, path: /integration/dc/link}
- {group: pages, service: installer, type: Prefix, path: /integration/dc}
{{- end }}

{{/* The groups that are routed here, in this order. */}}
{{- define "ohdc.routedGroups" -}}
{{- range list "events" "settings" "signIn" }}{{ if index $.Values.takeover . }}{{ . }} {{ end }}{{ end }}pages
{{- end }}

{{/* Name of a group's Ingress and HTTPRoute. dict root, group */}}
{{- define "ohdc.routeName" -}}
{{- printf "%s-%s" (include "ohdc.fullname" .root) (kebabcase .group) }}
{{- end }}

{{/* Host of the app without scheme, port and path. */}}
{{- define "ohdc.host" -}}
{{- include "ohdc.hostOf" .Values.openhands.host }}
{{- end }}

{{/* Host of a URL, or of host:port. */}}
{{- define "ohdc.hostOf" -}}
{{- regexReplaceAll "^([A-Za-z][A-Za-z0-9+.-]*://)?([^/@]*@)?([^/:?#]+).*$" . "${3}" }}
{{- end }}

{{/* Port of a URL or of host:port; without one its scheme's, else 443. */}}
{{- define "ohdc.portOf" -}}
{{- $port := regexFind ":[0-9]+" (regexReplaceAll "^[A-Za-z][A-Za-z0-9+.-]*://|\\[[^]]*\\]" . "") | trimPrefix ":" }}
{{- $port | default (hasPrefix "http://" . | ternary "80" "443") }}
{{- end }}
