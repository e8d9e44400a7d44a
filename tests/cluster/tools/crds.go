// Keeps the types in go.mod of which controller-gen makes prometheus-operator's CRDs.
package cluster

import _ "github.com/prometheus-operator/prometheus-operator/pkg/apis/monitoring/v1"
