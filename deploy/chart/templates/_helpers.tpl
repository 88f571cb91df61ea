{{- define "umbra.name" -}}
{{- .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}

{{- define "umbra.fullname" -}}
{{- if contains .Chart.Name .Release.Name }}
{{- .Release.Name | trunc 63 | trimSuffix "-" }}
{{- else }}
{{- printf "%s-%s" .Release.Name .Chart.Name | trunc 63 | trimSuffix "-" }}
{{- end }}
{{- end }}

{{- define "umbra.selectorLabels" -}}
app.kubernetes.io/name: {{ include "umbra.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
{{- end }}

{{- define "umbra.labels" -}}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version }}
{{ include "umbra.selectorLabels" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
{{- end }}

{{- define "umbra.secretName" -}}
{{- .Values.existingSecret | default (include "umbra.fullname" .) }}
{{- end }}

{{- define "umbra.hasAuth" -}}
{{- if .Values.existingSecret }}
{{- if .Values.existingSecretHasAuth }}true{{ end }}
{{- else if .Values.secrets.fleetAuth }}true{{ end }}
{{- end }}
